"""Readers of the shared data collections: nine Sentinel-2 bands as reflectance, in memory.

Every reader takes the data root (the folder with oscd/, eurosat_ms/, ...) and hides the peculiarities
of its collection, such as band order, 20 m bands, offsets and file layout. They are documented where
they are handled.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyogrio
import rasterio
import shapely
from rasterio.enums import Resampling
from rasterio.errors import NotGeoreferencedWarning
from rasterio.features import rasterize

from ..errors import RasterUnreadable

BANDS = ("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B11", "B12")
L2A_ORDER = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B11", "B12")
L1C_ORDER = (*L2A_ORDER[:10], "B10", "B11", "B12")
EUROSAT_ORDER = (*(name for name in L1C_ORDER if name != "B8A"), "B8A")
TERRAMESH_PLACES = (
    "282D_485L_3_3",
    "38D_378R_2_3",
    "433D_629L_3_1",
    "609U_541L_3_0",
    "637U_59R_1_3",
)
BOADELLA_LABELLED = ("2020-02-02", "2020-06-21")
BOADELLA_CLOUDY = ("2020-01-18", "2020-01-23")
RSTOOLBOX_CLASSES = ("forest", "village", "water", "dryout")

_SCALE = np.float32(1e-4)
# L1C offsets were found by the cirrus band (median about 1000 instead of 10), the L2A offset by comparison with L1C.
_TERRAMESH_OFFSET = {
    "L1C": ("282D_485L_3_3", "433D_629L_3_1", "609U_541L_3_0"),
    "L2A": ("433D_629L_3_1",),
}


@dataclass(frozen=True)
class Scene:
    """One image of one date.

    Attributes:
        name: Collection, place and date.
        image: Reflectance, float32 [9, H, W] in the order of `BANDS`, 0 where invalid or where a band is missing.
        valid: Valid pixels, bool [H, W].
        level: "L1C" (top of atmosphere), "L2A" (surface) or "DN" (uncalibrated digital numbers / 255).
        groups: Indices of the spectral groups with data.
    """

    name: str
    image: np.ndarray
    valid: np.ndarray
    level: str
    groups: tuple[int, ...] = (0, 1, 2)


def oscd_cities(root: str | Path, labelled: bool | None = None) -> tuple[str, ...]:
    """Names of the OSCD cities; with `labelled` True or False only those with or without a change map."""
    folders = sorted(path for path in (Path(root) / "oscd").iterdir() if path.is_dir())
    return tuple(
        folder.name
        for folder in folders
        if labelled is None or (folder / "cm").is_dir() == labelled
    )


def oscd_pair(root: str | Path, city: str) -> tuple[Scene, Scene, np.ndarray | None]:
    """Both dates of a city, L1C, on the grid of the first date's B02.

    Args:
        root: Data root.
        city: One of `oscd_cities`.

    Returns:
        before, after, and the change map (uint8 [H, W], 0 unchanged, 1 changed) or None. The map is
        for evaluation only, as its licence (CC BY-NC-SA) excludes it from shipped models.
    """
    folder = Path(root) / "oscd" / city
    shape: tuple[int, int] | None = None
    scenes = []
    for part in ("imgs_1", "imgs_2"):
        files = {name: _one(folder / part, f"*_{name}.tif") for name in BANDS}
        stack = _read_files([files[name] for name in BANDS], shape)
        shape = stack.shape[1:]
        scenes.append(_scene(f"oscd/{city}/{part}", stack, "L1C"))
    label = None
    if (folder / "cm").is_dir():
        # The files hold 1 and 2, not 0 and 1 as stated in their readme.
        label = (_read(_one(folder / "cm", "*-cm.tif"))[0] == 2).astype(np.uint8)
    return scenes[0], scenes[1], label


def eurosat(root: str | Path) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """EuroSAT's chips, L1C.

    Returns:
        Chips float32 [N, 9, 64, 64], labels int64 [N], class names by label; all pixels are valid.
    """
    folder = Path(root) / "eurosat_ms"
    names = tuple(sorted(path.name for path in folder.iterdir() if path.is_dir()))
    chips: list[np.ndarray] = []
    labels: list[int] = []
    for label, name in enumerate(names):
        for path in sorted((folder / name).glob("*.tif")):
            chips.append(_select(_read(path), EUROSAT_ORDER) * _SCALE)
            labels.append(label)
    return np.stack(chips), np.array(labels, dtype=np.int64), names


def boadella_dates(root: str | Path, cloudy: bool = False) -> tuple[str, ...]:
    """Dates of the reservoir; the two cloudy ones only on request."""
    dates = sorted(
        path.stem.split("_")[1] for path in (Path(root) / "boadella").glob("Boadella_*.tif")
    )
    return tuple(date for date in dates if cloudy or date not in BOADELLA_CLOUDY)


def boadella(root: str | Path, date: str) -> tuple[Scene, np.ndarray | None]:
    """One date of the reservoir, L2A, and its water mask (uint8 [H, W], 1 water) or None."""
    folder = Path(root) / "boadella"
    stack = _select(_read(folder / f"Boadella_{date}.tif"), L2A_ORDER)
    scene = _scene(f"boadella/{date}", stack, "L2A")
    mask = folder / "labels" / f"Boadella_{date}_watermask.tif"
    return scene, (_read(mask)[0].astype(np.uint8) if mask.is_file() else None)


def terramesh(root: str | Path, place: str, level: str) -> tuple[Scene, np.ndarray]:
    """One place at one level, and its land-cover product.

    Args:
        root: Data root.
        place: One of `TERRAMESH_PLACES`.
        level: "L1C" or "L2A".

    Returns:
        The scene, and its land cover uint8 [H, W]: 1 water, 2 trees, 3 flooded vegetation, 4 crops, 5
        built, 6 bare, 7 snow, 8 cloud, 9 rangeland. It is an annual product of a model, not ground truth.
    """
    folder = Path(root) / "terramesh"
    order = L1C_ORDER if level == "L1C" else L2A_ORDER
    offset = 1000 if place in _TERRAMESH_OFFSET[level] else 0
    stack = _select(_read(folder / f"S2{level}" / f"{place}.tif"), order)
    scene = _scene(f"terramesh/{place}/{level}", stack, level, offset)
    return scene, _read(folder / "LULC" / f"{place}.tif")[0].astype(np.uint8)


def rstoolbox(root: str | Path) -> tuple[Scene, np.ndarray, np.ndarray]:
    """The village scene, L2A, with its digitised polygons.

    Returns:
        The scene; class map uint8 [H, W], 0 unlabelled, k = RSTOOLBOX_CLASSES[k - 1]; polygon map
        uint8 [H, W], 0 none, numbered from 1, so that whole polygons can be held out.
    """
    folder = Path(root) / "rstoolbox_sen2"
    with rasterio.open(folder / "sen2.tif") as source:
        stack, transform = source.read(), source.transform
    # The file still contains the offset of 0.1: water has 0.12 in every band, and no value is below 0.10.
    scene = _scene("rstoolbox", (_select(stack, L2A_ORDER) - 0.1) / _SCALE, "L2A")
    _, _, geometry, fields = pyogrio.raw.read(folder / "trainingPolygons_sen2.gpkg")
    shapes = [_geometry(item) for item in geometry]
    classes = [RSTOOLBOX_CLASSES.index(str(name)) + 1 for name in fields[0]]
    size = scene.valid.shape
    label = rasterize(
        list(zip(shapes, classes)), out_shape=size, transform=transform, dtype="uint8"
    )
    polygons = rasterize(
        [(shape, number) for number, shape in enumerate(shapes, start=1)],
        out_shape=size,
        transform=transform,
        dtype="uint8",
    )
    return scene, label, polygons


def taizhou(root: str | Path) -> tuple[Scene, Scene, np.ndarray]:
    """Landsat 7 of 2000 and 2003, 30 m, uncalibrated: digital numbers / 255 in six of the bands.

    Returns:
        before, after (without red edge: groups 0 and 2), and the labels uint8 [H, W]: 0 unchanged, 1
        changed, 255 unlabelled.
    """
    folder = Path(root) / "landsat_taizhou"
    scenes = []
    for year in ("2000", "2003"):
        raw = _read(folder / f"{year}TM").astype(np.float32) / np.float32(255)
        image = np.zeros((len(BANDS), *raw.shape[1:]), np.float32)
        image[[0, 1, 2, 6, 7, 8]] = raw
        scenes.append(Scene(f"taizhou/{year}", image, np.any(raw > 0, axis=0), "DN", (0, 2)))
    label = np.full(scenes[0].valid.shape, 255, np.uint8)
    label[_read(folder / "unchanged.bmp")[0] > 0] = 0
    label[_read(folder / "change.bmp")[0] > 0] = 1
    return scenes[0], scenes[1], label


def bigearthnet(root: str | Path) -> list[tuple[Scene, tuple[str, ...]]]:
    """BigEarthNet patches, L2A, 120 x 120, with their CORINE labels (may be empty)."""
    patches = []
    for folder in sorted((Path(root) / "bigearthnet").iterdir()):
        stack = _read_files([_one(folder, f"*_{name}.tif") for name in BANDS])
        metadata = sorted(folder.glob("*_labels_metadata.json"))
        labels = json.loads(metadata[0].read_text())["labels"] if metadata else []
        patches.append((_scene(f"bigearthnet/{folder.name}", stack, "L2A"), tuple(labels)))
    return patches


def formats(root: str | Path) -> Iterator[Scene]:
    """Two Major TOM tiles of 1068 x 1068, L2A; an SSL4EO-S12 place of 264 x 264, both levels."""
    folder = Path(root) / "formats"
    for tile in sorted((folder / "Major-TOM-Core" / "S2L2A").glob("*/*/S2*")):
        stack = _read_files([tile / f"{name}.tif" for name in BANDS])
        # Processing baseline 04.00 introduced the offset; N9999 marks reprocessed data without it.
        offset = 1000 if "_N0400_" in tile.name else 0
        yield _scene(f"formats/{tile.parent.name}", stack, "L2A", offset)
    for part, level in (("s2a", "L2A"), ("s2c", "L1C")):
        for place in sorted((folder / "SSL4EO-S12" / part).glob("*/*")):
            stack = _read_files([place / f"{name.replace('B0', 'B')}.tif" for name in BANDS])
            yield _scene(f"formats/ssl4eo/{place.parent.name}/{level}", stack, level)


def ships(root: str | Path) -> list[Scene]:
    """Chips of sea and harbour, 128 x 128, L2A."""
    paths = sorted((Path(root) / "ships").glob("*.tif"))
    return [_scene(f"ships/{path.stem}", _select(_read(path), L2A_ORDER), "L2A") for path in paths]


def dsen2(root: str | Path) -> list[Scene]:
    """Two L1C scenes of 600 x 600 from MATLAB files."""
    scenes = []
    for path in sorted((Path(root) / "dsen2").glob("*.mat")):
        # MATLAB stores columns first; the 10 m bands are in the order B04, B03, B02, B08 of GDAL's SAFE subdatasets.
        fine = _read(f"HDF5:{path}://im10").swapaxes(1, 2)
        height, width = fine.shape[1:]
        coarse = _read(f"HDF5:{path}://im20", (width, height)).swapaxes(1, 2)
        bands: dict[str, np.ndarray] = dict(zip(("B04", "B03", "B02", "B08"), fine))
        bands.update(zip(("B05", "B06", "B07", "B8A", "B11", "B12"), coarse))
        stack = np.stack([bands[name] for name in BANDS])
        scenes.append(_scene(f"dsen2/{path.stem}", stack, "L1C"))
    return scenes


def _scene(name: str, stack: np.ndarray, level: str, offset: int = 0) -> Scene:
    """Converts digital numbers [9, H, W] to reflectance; pixels that are 0 in every band are invalid."""
    valid = (stack != 0).any(axis=0)
    image = (stack.astype(np.float32) - np.float32(offset)) * _SCALE
    return Scene(name, np.ascontiguousarray(image * valid), valid, level)


def _select(stack: np.ndarray, order: Sequence[str]) -> np.ndarray:
    return stack[[order.index(name) for name in BANDS]].astype(np.float32)


def _read_files(paths: Sequence[Path], shape: tuple[int, int] | None = None) -> np.ndarray:
    """Reads single-band files of one extent in the first one's shape or `shape`; float32 [N, H, W]."""
    bands: list[np.ndarray] = []
    for path in paths:
        bands.append(_read(path, shape)[0].astype(np.float32))
        shape = bands[0].shape
    return np.stack(bands)


def _read(path: str | Path, shape: tuple[int, int] | None = None) -> np.ndarray:
    """Reads all bands of a file [N, H, W], resampled to `shape` by bilinear interpolation."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with rasterio.open(path) as source:
                size = (source.count, *(shape or source.shape))
                return source.read(out_shape=size, resampling=Resampling.bilinear)
    except rasterio.errors.RasterioIOError as error:
        raise RasterUnreadable(
            f"{path} cannot be read as a raster. "
            "Check that DATA points to a complete copy of the shared collections.",
            details=str(error),
        ) from error


def _one(folder: Path, pattern: str) -> Path:
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise RasterUnreadable(
            f"{folder} holds {len(found)} files named {pattern}, expected one. "
            "Check that DATA points to a complete copy of the shared collections."
        )
    return found[0]


def _geometry(wkb: bytes) -> dict[str, object]:
    return dict(shapely.geometry.mapping(shapely.from_wkb(wkb)))

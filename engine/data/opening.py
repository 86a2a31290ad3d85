"""Opens rasters, and refuses unusable ones before any work with a message that says what to do."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import rasterio
from rasterio.crs import CRS
from rasterio.errors import CRSError, NotGeoreferencedWarning, RasterioError, RasterioIOError

from ..errors import GeoreferenceMissing, InvalidParameter, RasterUnreadable
from ..memory_limit import raster_cache
from .far import ask_now, few_questions, is_far, is_service, network
from .grid import Grid

_THIN = 16  # pixels; no scene is at most this narrow and has more bands than this
_ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz")


@contextmanager
def open_raster(path: str) -> Iterator[Any]:
    """Opens a raster for reading; `path` may also be a GDAL connection string.

    Raises:
        RasterUnreadable: The file is missing, damaged, a container of rasters, or channels-last.
    """
    if not path:
        raise RasterUnreadable("No raster was specified. Choose a raster file.")
    plain = "://" not in path and not path.startswith("/vsi") and not _driver_prefix(path)
    if plain and not os.path.exists(path):
        raise RasterUnreadable(
            f"The raster {path} does not exist. Check the path, and that the drive is connected."
        )
    if plain and os.path.isdir(path) and not path.lower().rstrip("/").endswith(".zarr"):
        raise RasterUnreadable(
            f"{path} is a folder, not a raster. If it is a satellite product (Sentinel-2, Landsat, HLS), open it with "
            "'Open satellite product' first. Otherwise choose a raster file, or stack band files with Raster > "
            "Miscellaneous > Build Virtual Raster, each file as a separate band."
        )
    if plain and os.path.isfile(path) and os.path.getsize(path) == 0:
        raise RasterUnreadable(f"The raster {path} is an empty file. Download or export it again.")
    with rasterio.Env(GDAL_CACHEMAX=raster_cache(), **network()), warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        try:
            with few_questions(path):
                dataset = rasterio.open(path)
                ask_now(dataset)
        except (RasterioError, RasterioIOError, ValueError) as error:
            if plain and path.lower().endswith(_ARCHIVES):
                reader = "/vsizip/" if path.lower().endswith(".zip") else "/vsitar/"
                raise RasterUnreadable(
                    f"{path} is an archive, not a raster. If it is a satellite product (Sentinel-2, Landsat), open it "
                    "with 'Open satellite product' first. Otherwise unpack it, or give the raster inside it as "
                    f"{reader}{path}/NAME.tif.",
                    details=str(error),
                ) from error
            raise RasterUnreadable(
                f"The raster {path} cannot be opened. {_remedy(path)}", details=str(error)
            ) from error
        with dataset:
            _check_layout(dataset, path)
            yield dataset


@contextmanager
def readable(path: str, where: str = "") -> Iterator[None]:
    """Turns a failed read into `RasterUnreadable` that names the file and the place."""
    try:
        yield
    except (RasterioError, RasterioIOError) as error:
        place = f" at {where}" if where else ""
        raise RasterUnreadable(
            f"The raster {path} can be opened, but its pixels cannot be read{place}. {_remedy(path)}",
            details=str(error.__cause__ or error),
        ) from error


def files_of(dataset: Any) -> tuple[str, ...]:
    """The files of an open dataset; names of remote files and of those in archives are no local paths.

    GDAL lists the sources of a virtual raster, but not the sources of virtual rasters among these, so they are opened.
    """
    found = dict.fromkeys(listed_files(dataset))
    waiting = [file for file in found if _is_virtual(file) and file != dataset.name]
    while waiting:
        with suppress(RasterioError), warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with rasterio.open(waiting.pop()) as inner:
                further = [file for file in inner.files if file not in found]
            found.update(dict.fromkeys(further))
            waiting += filter(_is_virtual, further)
    return tuple(found)


def listed_files(dataset: Any) -> tuple[str, ...]:
    """The files that GDAL lists for an open dataset; of a remote raster its name alone.

    To list the files beside a remote raster GDAL would ask its server for each.
    """
    if is_far(dataset.name) and not _is_virtual(dataset.name):
        return (str(dataset.name),)
    return tuple(dataset.files or ())


def with_sources(paths: Sequence[str]) -> list[str]:
    """The paths, and the source files of the virtual rasters among them."""
    found = list(paths)
    for path in filter(_is_virtual, paths):
        with suppress(RasterUnreadable), open_raster(path) as dataset:
            found += files_of(dataset)
    return found


def _is_virtual(file: str) -> bool:
    return file.lower().endswith(".vrt")


def grid_of(dataset: Any, path: str, crs: str = "") -> Grid:
    """The grid of an open dataset.

    Args:
        dataset: Open rasterio dataset.
        path: For messages.
        crs: CRS to assume if the file has none.

    Raises:
        GeoreferenceMissing: The file has no CRS and none is given, or it has no geotransform.
        InvalidParameter: `crs` is not a CRS.
    """
    known = dataset.crs
    if not known and crs:
        known = parse_crs(crs)
    placed = not dataset.transform.is_identity
    if not known:
        points = ""
        if dataset.gcps[0] or dataset.rpcs:
            points = " It has ground control points or RPCs: warp it first (Raster > Projections > Warp)."
        raise GeoreferenceMissing(
            f"The raster {path} has no coordinate reference system.{points} Assign the correct one in QGIS with "
            "Raster > Projections > Assign Projection, or specify it as the CRS."
        )
    if not placed and not crs:
        raise GeoreferenceMissing(
            f"The raster {path} has no geotransform, so its location and pixel size are unknown. Georeference it in "
            "QGIS (Layer > Georeferencer), or specify a CRS to work in pixel coordinates."
        )
    if not placed and (dataset.gcps[0] or dataset.rpcs):
        # QGIS warps it for display, so results in pixel coordinates would be elsewhere.
        raise GeoreferenceMissing(
            f"The raster {path} is positioned by ground control points or RPCs, which do not form a regular pixel "
            "grid. Warp it in QGIS first (Raster > Projections > Warp), and use the result."
        )
    grid = Grid(known, dataset.transform, dataset.width, dataset.height)
    left, bottom, right, top = grid.bounds
    # Pixels too small for the precision of their coordinates make the sides 0 or infinite.
    sides = (right - left, top - bottom)
    if grid.transform.determinant == 0 or not all(0 < side < math.inf for side in sides):
        raise GeoreferenceMissing(
            f"The geotransform of the raster {path} gives its pixels no area. Georeference it again."
        )
    return grid


def parse_crs(text: str) -> CRS:
    """Parses a CRS from an authority code, WKT or PROJ text.

    Raises:
        InvalidParameter: The text is none of these.
    """
    try:
        return CRS.from_user_input(text)
    except (CRSError, ValueError) as error:
        raise InvalidParameter(
            f"'{text[:60]}' is not a coordinate reference system. Specify a code such as EPSG:32631.",
            details=str(error),
        ) from error


def _remedy(path: str) -> str:
    """Advice about a raster that cannot be read."""
    if is_service(path):
        return (
            "It is the address of a service, not of a raster file. Add the service to QGIS as a layer with measured "
            "values (WCS) and choose that layer, or download the area as a GeoTIFF."
        )
    if is_far(path):
        return (
            "The file is on a remote server: check the address, the network and your access rights. The server must "
            "support reading parts of a file (HTTP range requests). If it does not, download the file first."
        )
    return (
        "The file may be damaged or incomplete. Check whether it opens in QGIS, and copy, download or export it "
        "again."
    )


def _driver_prefix(path: str) -> bool:
    """Whether a path is a connection string such as NETCDF:"file":variable."""
    head = path.split(":", 1)[0]
    return ":" in path and len(head) > 1 and head.replace("_", "").isalnum()


def _check_layout(dataset: Any, path: str) -> None:
    inside = list(dataset.subdatasets)
    thin = min(dataset.width, dataset.height)
    pages = dataset.count if dataset.count > 1 else len(inside)
    if thin <= _THIN and pages > _THIN:
        raise RasterUnreadable(
            f"The raster {path} seems to be stored channels-last: {pages} pages of {dataset.width} x {dataset.height} "
            f"pixels, that is, an image of {pages} rows whose bands were stored as columns. Save it again with the "
            f"bands first (shape {thin}, {pages}, {max(dataset.width, dataset.height)}; in Python: "
            "numpy.moveaxis(image, -1, 0))."
        )
    if dataset.count == 0 or (inside and dataset.transform.is_identity and not dataset.crs):
        names = ", ".join(inside[:3]) + (", ..." if len(inside) > 3 else "")
        raise RasterUnreadable(
            f"The file {path} holds several rasters, not one"
            + (f": {names}. " if inside else ". ")
            + "If they are a satellite product (Sentinel-2, Landsat, HLS), open it with 'Open satellite product' "
            "first. Otherwise choose one of them, or stack them (Raster > Miscellaneous > Build Virtual Raster)."
        )
    if any(dtype.startswith("complex") for dtype in dataset.dtypes):
        raise RasterUnreadable(
            f"The raster {path} has complex values, as some radar products do. Convert it to real values first."
        )

"""Turns a finished class map into polygons with class, true area and mean confidence.

GDAL polygonises the whole map at once, as strips would cut polygons at their seams. That needs the map and the outlines
in memory. Areas and confidences are then added up strip by strip over the pixels inside each outline.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import rasterio
import rasterio.features
from numpy.typing import NDArray
from pyogrio.errors import DataSourceError
from rasterio.windows import Window

from ..cards import ModelClass
from ..data.grid import Grid
from ..progress import Progress
from .outlines import Outlines, trace
from .staging import write_error

STRIP = 512
# Newer versions make the GDAL of QGIS 3.22 warn whenever the file is opened.
GEOPACKAGE_VERSION = "1.2"


def sieve(
    classes: NDArray[Any], known: NDArray[np.bool_], grid: Grid, min_area: float
) -> NDArray[Any]:
    """Merges regions smaller than an area into their largest neighbour.

    Args:
        classes: Class map [height, width].
        known: bool [height, width], pixels with a class; others stay as they are and absorb nothing.
        grid: The map's grid.
        min_area: Square metres.

    Returns:
        The map without small regions; a small region between no-data only stays.
    """
    pixels = min(smallest_region(grid, min_area), classes.size - 1)  # GDAL takes no more than that
    return rasterio.features.sieve(classes, pixels, mask=known) if pixels > 1 else classes


def smallest_region(grid: Grid, min_area: float) -> int:
    """Pixels of the smallest region that is not smaller than an area (measured at the middle of the grid)."""
    middle = Window(grid.width // 2, grid.height // 2, 1, 1)
    pixel = float(grid.pixel_area(middle)[0, 0])
    return max(1, int(np.ceil(min_area / pixel - 1e-6))) if pixel > 0 else 1


def write_polygons(
    path: Path,
    class_map: Path,
    percents: Callable[[Window], NDArray[Any]],
    classes: Sequence[ModelClass],
    description: str,
    progress: Progress,
    only: Sequence[int] = (),
) -> int:
    """Polygonises a class map into a GeoPackage.

    Args:
        path: GeoPackage to write; the layer is called after it.
        class_map: A finished class raster.
        percents: Returns the confidence of a window's pixels in percent [rows, columns].
        classes: The classes.
        description: Kept with the layer, says how it was made.
        progress: Takes the progress.
        only: Class values that become polygons; empty = all.

    Returns:
        Number of polygons.

    Raises:
        OutputNotWritable: It cannot be written.
        DiskFull: The disk has no room.
    """
    progress.update(0.0, "Polygons")
    with rasterio.open(class_map) as dataset:
        grid = Grid(dataset.crs, dataset.transform, dataset.width, dataset.height)
        pixels, nodata = dataset.read(1), dataset.nodata
    outlines = trace(pixels, np.isin(pixels, only) if only else pixels != nodata)
    progress.update(0.4)
    area, confidence = _measure(outlines, grid, percents, progress.part(0.4, 0.9))
    names = {item.value: item.word for item in classes}
    fields: dict[str, NDArray[Any]] = {
        "class_value": outlines.values,
        "class_name": np.array([names.get(int(v), "") for v in outlines.values], object),
        "area_m2": np.round(area, 2),
    }
    fields["confidence"] = np.round(confidence, 1)
    crs = grid.crs.to_wkt()
    write_layer(path, outlines.wkb(grid.transform), fields, crs, path.stem, description)
    progress.update(1.0)
    return len(outlines)


def write_layer(
    path: Path,
    geometry: NDArray[Any],
    fields: dict[str, NDArray[Any]],
    crs: str,
    layer: str,
    description: str,
) -> None:
    """Writes polygons to a GeoPackage.

    Args:
        path: File to write.
        geometry: WKB of polygons, object [n].
        fields: Columns by name, each [n]; NULL where masked.
        crs: WKT.
        layer: Name of the layer.
        description: Kept with the layer.

    Raises:
        OutputNotWritable: It cannot be written.
        DiskFull: The disk has no room.
    """
    columns = [np.ma.asarray(values) for values in fields.values()]
    try:
        pyogrio.raw.write(
            path,
            geometry,
            field_data=[_plain(column.data) for column in columns],
            fields=list(fields),
            field_mask=[column.mask if column.mask.any() else None for column in columns],
            geometry_type="MultiPolygon",
            promote_to_multi=True,
            crs=crs,
            driver="GPKG",
            layer=layer,
            layer_options={"DESCRIPTION": description, **_own_columns(fields)},
            dataset_options={"VERSION": GEOPACKAGE_VERSION},
        )
    except (DataSourceError, OSError, RuntimeError) as error:
        raise write_error(path, error) from error


def _plain(values: NDArray[Any]) -> NDArray[Any]:
    """A column with lists as JSON text: a GeoPackage has none."""
    lists = [isinstance(value, np.ndarray) for value in values]
    if not any(lists):
        return values
    texts = [json.dumps(v.tolist()) if is_list else v for v, is_list in zip(values, lists)]
    return np.array(texts, object)


def _own_columns(fields: dict[str, NDArray[Any]]) -> dict[str, str]:
    """Names for the columns of geometries and identifiers that do not clash with a field.

    A field "fid" of unique whole numbers becomes the identifier.
    """
    taken = {name.lower(): values for name, values in fields.items()}
    if "fid" in taken and _identifies(taken["fid"]):
        del taken["fid"]
    return {"FID": free_name("fid", taken), "GEOMETRY_NAME": free_name("geom", taken)}


def _identifies(values: NDArray[Any]) -> bool:
    if values.dtype.kind not in "iu" or np.ma.getmaskarray(values).any():
        return False
    return bool(values.min(initial=0) >= 0 and len(np.unique(values)) == len(values))


def free_name(name: str, taken: Container[str]) -> str:
    """A name that no other column has, with a number appended where needed."""
    free, number = name, 2
    while free.lower() in taken:
        free, number = f"{name}_{number}", number + 1
    return free


def _measure(
    outlines: Outlines,
    grid: Grid,
    percents: Callable[[Window], NDArray[Any]],
    progress: Progress,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """True area and mean percent of each region [n], from the pixels inside."""
    area, pixels, total = (np.zeros(len(outlines)) for _ in range(3))
    if not len(outlines):
        return area, total
    for window in _strips(grid):
        progress.update(window.row_off / grid.height)
        numbers = outlines.numbers(window.row_off, window.height, window.width)
        known = numbers >= 0
        places = numbers[known]
        area += np.bincount(places, grid.pixel_area(window)[known], len(area))
        pixels += np.bincount(places, minlength=len(area))
        total += np.bincount(places, percents(window)[known], len(area))
    return area, total / np.maximum(pixels, 1)


def _strips(grid: Grid) -> Iterator[Window]:
    for top in range(0, grid.height, STRIP):
        yield Window(0, top, grid.width, min(STRIP, grid.height - top))

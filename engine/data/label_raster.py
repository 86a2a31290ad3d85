"""A class raster as labels: its classes, and its pixels on another raster's grid."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from rasterio.enums import MaskFlags, Resampling
from rasterio.warp import reproject
from rasterio.windows import Window

from ..errors import EmptyArea, LabelsInvalid
from .components import regions
from .grid import Grid
from .label_classes import MOST, Look
from .label_draw import Columns
from .nodata import NO_MEASUREMENT
from .opening import grid_of, open_raster, readable
from .placement import Placement
from .raster_looks import raster_looks

_TILE = 1024  # side of a tile of the grid that is read at once, pixels
_STRIP = 4 * 2**20  # pixels of the file that are counted at once
_EMPTY = 255
_UNLABELLED = (0, 255)  # usual values of unlabelled pixels in rasters without a no-data value


@dataclass(frozen=True)
class RasterClasses:
    """The classes of a class raster.

    Attributes:
        values: Its values, ascending.
        counts: Number of pixels of each value.
        looks: Names and colours in the file, by value as text.
        warnings: Assumptions that were made.
    """

    values: tuple[int, ...]
    counts: tuple[int, ...]
    looks: dict[str, Look]
    warnings: tuple[str, ...]


def read_classes(path: str, purpose: str) -> RasterClasses:
    """Counts the classes of a raster's first band, strip by strip.

    Raises:
        RasterUnreadable: It cannot be read.
        LabelsInvalid: Its values are not classes.
    """
    counts: dict[int, int] = {}
    warnings = []
    with open_raster(path) as dataset:
        where = f"The {purpose} raster {path}"
        decimal = not np.issubdtype(np.dtype(dataset.dtypes[0]), np.integer)
        for values in _strips(dataset, path):
            if decimal and (values != np.round(values)).any():
                example = values[values != np.round(values)][0]
                raise LabelsInvalid(
                    f"{where} contains decimal numbers such as {example:g}, but the values of a class raster must be "
                    "whole numbers. Choose another raster, or convert the numbers to classes (Reclassify by Table in "
                    "QGIS)."
                )
            for value, count in zip(*np.unique(values, return_counts=True)):
                counts[int(value)] = counts.get(int(value), 0) + int(count)
            if len(counts) > MOST:
                raise LabelsInvalid(
                    f"{where} has more than {MOST} different values, so it does not look like a class raster. Choose "
                    "the class raster, not the image."
                )
        if not counts:
            raise LabelsInvalid(
                f"{where} has no labelled pixels: all of them are no-data ({dataset.nodata}). Choose another raster, "
                "or correct its no-data value."
            )
        if decimal:
            warnings.append(
                f"{where} contains decimal numbers. As all of them are whole, they are used as classes."
            )
        if dataset.count > 1:
            warnings.append(
                f"{where} has {dataset.count} bands. The first one is used as the class band."
            )
        looks = raster_looks(dataset, path)
        warnings += _undeclared(dataset, where, counts, looks)
    ordered = sorted(counts)
    return RasterClasses(
        tuple(ordered), tuple(counts[value] for value in ordered), looks, tuple(warnings)
    )


def _undeclared(
    dataset: Any, where: str, counts: Mapping[int, int], looks: Mapping[str, Look]
) -> list[str]:
    """Warns of values that usually mean "unlabelled", if the raster declares no no-data value.

    Not of masks with two values, in which both have a meaning, nor of values with a name, which are classes.
    """
    if MaskFlags.all_valid not in dataset.mask_flag_enums[0] or len(counts) < 3:
        return []
    return [
        f"{where} has no no-data value, so the value {value} was treated as a class with {counts[value]} pixels. If "
        f"it means 'not labelled', set it as the no-data value of the file (gdal_edit.py -a_nodata {value})."
        for value in _UNLABELLED
        if value in counts and not looks.get(str(value), Look()).title
    ]


class RasterPixels:
    """Pixels of a class raster on a grid.

    Units are 4-connected regions of one class within a tile.

    Attributes:
        warnings: Assumptions that were made; complete after iteration.
    """

    def __init__(self, path: str, values: Sequence[int], grid: Grid, purpose: str) -> None:
        """Stores the arguments; the file is read by iteration.

        Args:
            path: The class raster.
            values: Its values, ascending; class k is values[k].
            grid: Grid of the pixels to label; each gets the class at its centre.
            purpose: What the raster is for, for messages.
        """
        self._path, self._grid, self._purpose = path, grid, purpose
        self._values = np.asarray(values)
        self.warnings: list[str] = []

    def __iter__(self) -> Iterator[Columns]:
        """Row, column, label and unit of the labelled pixels, tile by tile.

        Raises:
            EmptyArea: The raster and the grid do not overlap.
        """
        with open_raster(self._path) as dataset:
            own = self._own_grid(dataset)
            place = Placement(own, self._grid)
            ground = Placement(self._grid, own).source_window(own.window)
            if ground is None or not place.overlaps():
                raise EmptyArea(
                    f"The {self._purpose} raster {self._path} and the image do not overlap: bounds {_told(own)}, "
                    f"those of the image {_told(self._grid)}. Choose labels within the image, or check the CRS of "
                    "both layers."
                )
            side = max(64, _TILE // max(1, int(place.ratio)))
            units = 0
            for top in range(ground.row_off, ground.row_off + ground.height, side):
                for left in range(ground.col_off, ground.col_off + ground.width, side):
                    part = self._grid.clip(Window(left, top, side, side))
                    label = self._read(dataset, place, part)
                    rows, columns = np.nonzero(label != _EMPTY)
                    if not len(rows):
                        continue
                    number = regions(label, _EMPTY)[rows, columns] + units
                    units = int(number.max()) + 1
                    yield rows + top, columns + left, label[rows, columns], number

    def _read(self, dataset: Any, place: Placement, part: Window) -> NDArray[np.uint8]:
        """Class index of each pixel of a window of the grid, 255 where unlabelled."""
        label = np.full((part.height, part.width), _EMPTY, np.uint8)
        if place.shift is not None:
            columns, rows = place.shift
            own = place.own.clip(
                Window(part.col_off - columns, part.row_off - rows, part.width, part.height)
            )
            if own.width > 0 and own.height > 0:
                top, left = own.row_off + rows - part.row_off, own.col_off + columns - part.col_off
                label[top : top + own.height, left : left + own.width] = self._encoded(dataset, own)
            return label
        source = place.source_window(part)
        if source is None:
            return label
        found = self._encoded(dataset, source, place.reading_shape(source))
        scale = Affine.scale(source.width / found.shape[1], source.height / found.shape[0])
        reproject(
            found,
            label,
            src_transform=place.own.window_transform(source) @ scale,
            src_crs=place.own.crs,
            src_nodata=_EMPTY,
            dst_transform=self._grid.window_transform(part),
            dst_crs=self._grid.crs,
            dst_nodata=_EMPTY,
            resampling=Resampling.nearest,
        )
        return label

    def _encoded(
        self, dataset: Any, window: Window, shape: tuple[int, int] | None = None
    ) -> NDArray[np.uint8]:
        values, valid = _read(dataset, self._path, window, shape)
        places = np.searchsorted(self._values, values).clip(max=len(self._values) - 1)
        known = valid & (self._values[places] == values)
        return np.where(known, places, _EMPTY).astype(np.uint8)

    def _own_grid(self, dataset: Any) -> Grid:
        """Grid of the class raster; without a CRS, the image's CRS is assumed, with a warning."""
        size = (dataset.height, dataset.width)
        crs = ""
        if not dataset.crs and dataset.transform.is_identity and size == self._grid.shape:
            self.warnings.append(
                f"The {self._purpose} raster {self._path} is not georeferenced. As it has the same size as the image, "
                f"{size[1]} x {size[0]} pixels, it is aligned with it pixel by pixel."
            )
            return Grid(self._grid.crs, self._grid.transform, size[1], size[0])
        if not dataset.crs and not dataset.transform.is_identity:
            crs = self._grid.crs.to_wkt()
            self.warnings.append(
                f"The {self._purpose} raster {self._path} has no CRS. The CRS of the image is assumed."
            )
        return grid_of(dataset, self._path, crs)


def _strips(dataset: Any, path: str) -> Iterator[NDArray[Any]]:
    """Yields the valid values of the first band, a strip of rows at a time."""
    rows = max(1, _STRIP // dataset.width)
    block = dataset.block_shapes[0][0]
    if rows < block and block * dataset.width <= 16 * _STRIP:
        rows = block  # smaller strips would read every block several times
    for top in range(0, dataset.height, rows):
        window = Window(0, top, dataset.width, min(rows, dataset.height - top))
        values, valid = _read(dataset, path, window)
        yield values[valid]


def _read(
    dataset: Any, path: str, window: Window, shape: tuple[int, int] | None = None
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    with readable(path, f"row {window.row_off}, column {window.col_off}"):
        found = dataset.read(1, window=window, out_shape=shape, masked=True)
    values = found.data
    valid = ~np.ma.getmaskarray(found)
    if not np.issubdtype(values.dtype, np.integer):
        valid &= np.abs(values) < NO_MEASUREMENT  # false for NaN too
        values = np.where(valid, values, 0)
    return values, valid


def _told(grid: Grid) -> str:
    bounds = ", ".join(f"{value:.6g}" for value in grid.bounds)
    return f"({bounds}) in {grid.crs.to_string()[:40]}"

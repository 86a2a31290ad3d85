"""A class map to assess: its classes with names and areas, and its values at given pixels."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from ..data.grid import Grid
from ..data.label_classes import Look
from ..data.opening import grid_of, open_raster, readable
from ..data.raster_looks import raster_looks
from ..errors import EmptyArea, LabelsInvalid
from ..language import marked
from ..progress import Progress

_STRIP = 4 * 2**20  # pixels read at once
_MOST = 1000  # most classes; more distinct values are measurements
_NAMELESS = 100  # most classes if none has a name; more are probably the brightness of a band
_COLOURS = 3  # bands from which a raster is probably an image
_TILE = 1024  # side of the tiles in which single pixels are read, pixels


@dataclass(frozen=True)
class MapClass:
    """A class of the map, or a class of the references that the map lacks.

    Attributes:
        value: Its value; None if the map lacks it.
        title: Its name in the map's categories, may be empty.
        alias: Another name of it, may be empty.
        color: Colour #rrggbb; empty if the map has none.
        pixels: Number of its pixels; 0 if not counted.
        area: Ground area of these pixels, square metres.
    """

    value: int | None
    title: str = ""
    alias: str = ""
    color: str = ""
    pixels: int = 0
    area: float = 0.0

    @property
    def name(self) -> str:
        """Name for the reader of a report."""
        return self.title or self.alias or str(self.value)


class ClassRaster:
    """The first band of an open class raster."""

    def __init__(self, dataset: Any, path: str, crs: str = "") -> None:
        """Use `open_class_raster`."""
        self.grid: Grid = grid_of(dataset, path, crs)
        self.nodata = dataset.nodata
        self._dataset, self.path = dataset, path
        if not np.issubdtype(np.dtype(dataset.dtypes[0]), np.integer):
            if dataset.count > 1:
                raise self.image_given()
            raise LabelsInvalid(
                f"The map {path} has decimal numbers ({dataset.dtypes[0]}), but a class map has whole numbers that "
                "stand for classes. Choose a class map, such as one made with 'Land-cover map', or convert it if its "
                "numbers are classes (Raster > Conversion > Translate, output type Byte)."
            )

    @property
    def many_bands(self) -> bool:
        """Whether it has as many bands as an image, and no names for the values of the first band."""
        many = self._dataset.count >= _COLOURS
        return many and not any(look.title for look in self.legend().values())

    def is_image(self, classes: Sequence[MapClass]) -> bool:
        """Whether values that were taken for classes are probably those of an image."""
        nameless = not any(item.title or item.alias for item in classes)
        return nameless and (self.many_bands or len(classes) > _NAMELESS)

    def image_given(self) -> LabelsInvalid:
        """The error for an image given in place of a class map."""
        return LabelsInvalid(
            f"{self.path} is an image (bands: {self._dataset.count}, {self._dataset.dtypes[0]}), but a class map has "
            "a single band of whole numbers that stand for classes. Choose the map that 'Land-cover map' made from "
            "the image. To evaluate a model, give 'Evaluate map' both the image and the model."
        )

    def legend(self) -> dict[int, Look]:
        """Names and colours that the map declares, by value."""
        looks = raster_looks(self._dataset, self.path)
        return {int(value): look for value, look in looks.items()}

    def classes(
        self, progress: Progress, names: Mapping[int, str] | None = None
    ) -> tuple[MapClass, ...]:
        """Counts the map's pixels, strip by strip.

        Args:
            progress: Takes the progress, strip by strip.
            names: See `named`.

        Returns:
            The classes that occur or have a name, sorted by value.

        Raises:
            EmptyArea: Every pixel is no-data.
            LabelsInvalid: There are too many different values.
        """
        pixels: dict[Any, int] = {}  # by value
        area: dict[Any, float] = {}
        for window, values, valid in self.strips(progress, marked("Counting the map's classes")):
            found, counts, metres = _tally(values[valid], self.grid.pixel_area(window)[valid])
            for value, count, ground in zip(found.tolist(), counts.tolist(), metres.tolist()):
                pixels[value] = pixels.get(value, 0) + count
                area[value] = area.get(value, 0.0) + ground
            if len(pixels) > _MOST:
                if self.many_bands:
                    raise self.image_given()
                raise LabelsInvalid(
                    f"The map {self.path} has more than {_MOST} different values, so it does not look like a class "
                    "map. Choose a class map, such as one made with 'Land-cover map'."
                )
        if not pixels:
            raise EmptyArea(
                f"The map {self.path} has no class: every pixel is no-data"
                + (f" ({self.nodata:g})" if self.nodata is not None else "")
                + ". Choose a class map."
            )
        return tuple(
            dataclasses.replace(
                item, pixels=pixels.get(item.value, 0), area=area.get(item.value, 0.0)
            )
            for item in self.named(pixels, names)
        )

    def named(
        self, values: Iterable[int], names: Mapping[int, str] | None = None
    ) -> tuple[MapClass, ...]:
        """Classes of given values and of all values with a name, sorted by value, without counting pixels.

        Args:
            values: Values that occur.
            names: Further names of classes, by value.
        """
        legend, names = self.legend(), names or {}
        titled = {value for value, look in legend.items() if look.title and value != self.nodata}
        return tuple(
            MapClass(
                value,
                legend.get(value, Look()).title,
                names.get(value, ""),
                legend.get(value, Look()).color,
            )
            for value in sorted({*map(int, values), *titled, *names})
        )

    def strips(
        self, progress: Progress, message: str
    ) -> Iterator[tuple[Window, NDArray[Any], NDArray[np.bool_]]]:
        """Reads the map in strips from top to bottom: yields window, values and valid pixels [rows, width]."""
        grid = self.grid
        block = self._dataset.block_shapes[0][0]
        rows = max(1, _STRIP // grid.width)
        rows = rows // block * block or (block if block * grid.width <= 16 * _STRIP else rows)
        for top in range(0, grid.height, rows):
            progress.update(top / grid.height, message)
            window = Window(0, top, grid.width, min(rows, grid.height - top))
            yield (window, *self._read(window))
        progress.update(1.0, message)

    def at(
        self, row: NDArray[np.int64], column: NDArray[np.int64], progress: Progress
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Values at given pixels; only tiles that contain such pixels are read.

        Args:
            row: Rows [N], inside the map.
            column: Columns [N].
            progress: Takes the progress, tile by tile.

        Returns:
            Values [N], and whether they are valid [N].
        """
        values = np.zeros(len(row), np.int64)
        valid = np.zeros(len(row), bool)
        across = -(-self.grid.width // _TILE)
        tile = row // _TILE * across + column // _TILE
        order = np.argsort(tile, kind="stable")
        numbers, starts = np.unique(tile[order], return_index=True)
        for number, places in enumerate(np.split(order, starts[1:])):
            progress.update(number / len(numbers), "Reading the map at the reference locations")
            rows, columns = row[places], column[places]
            top, left = int(rows.min()), int(columns.min())
            size = int(columns.max()) - left + 1, int(rows.max()) - top + 1
            found, known = self._read(Window(left, top, *size))
            values[places] = found[rows - top, columns - left]
            valid[places] = known[rows - top, columns - left]
        return values, valid

    def _read(self, window: Window) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        with readable(self.path, f"row {window.row_off}, column {window.col_off}"):
            found = self._dataset.read(1, window=window, masked=True)
        return found.data, ~np.ma.getmaskarray(found)


@contextmanager
def open_class_raster(path: str, crs: str = "") -> Iterator[ClassRaster]:
    """Opens a class map.

    Args:
        path: The raster.
        crs: CRS to assume if it has none.

    Raises:
        RasterUnreadable: It cannot be read.
        GeoreferenceMissing: It has no georeference.
        LabelsInvalid: Its values are not integers, but those of an image or measurements.
    """
    with open_raster(path) as dataset:
        yield ClassRaster(dataset, path, crs)


def _tally(
    values: NDArray[Any], ground: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Distinct values of pixels [n], each with its number of pixels and their summed ground area."""
    if values.dtype in (np.uint8, np.uint16):  # the common case needs no sorting
        counts, metres = np.bincount(values), np.bincount(values, ground)
        found = np.flatnonzero(counts)
        return found, counts[found], metres[found]
    found, place = np.unique(values, return_inverse=True)
    place = place.ravel()
    return found, np.bincount(place), np.bincount(place, ground)

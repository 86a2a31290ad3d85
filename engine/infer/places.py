"""Places of a raster (squares of whole pixels), and how uncertain a model is about each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.windows import Window

from ..data.grid import Grid
from ..errors import InvalidParameter
from .merge import Rows

PIXELS = 10  # default side of a place: large enough to recognise, small enough to label quickly
Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class PlaceGrid:
    """Squares side by side, centred in a window; the margin at its edges is narrower than a square.

    Attributes:
        top: First row of pixels.
        left: First column of pixels.
        down: Rows of pixels in a square.
        across: Columns of pixels in a square.
        rows: Rows of squares.
        columns: Squares in a row.
    """

    top: int
    left: int
    down: int
    across: int
    rows: int
    columns: int

    @property
    def bottom(self) -> int:
        """The row of pixels below the last square."""
        return self.top + self.rows * self.down

    def strip(self, row: int) -> Window:
        """The pixels of a row of squares."""
        return Window(self.left, self.top + row * self.down, self.columns * self.across, self.down)

    def polygons(
        self, grid: Grid, rows: NDArray[Any], columns: NDArray[Any], inset: float = 0.0
    ) -> NDArray[Any]:
        """Squares in map coordinates, shapely polygons [n].

        Args:
            grid: The raster's grid.
            rows: Rows of the squares [n].
            columns: Columns of the squares [n].
            inset: Margin to leave out along each side, pixels.
        """
        top, left = self.top + rows * self.down, self.left + columns * self.across
        upper, lower = top + inset, top + self.down - inset
        west, east = left + inset, left + self.across - inset
        corners = [(west, upper), (east, upper), (east, lower), (west, lower)]
        points = [np.stack(grid.xy(x, y), axis=-1) for x, y in corners]
        return np.asarray(shapely.polygons(np.stack(points, axis=1)))  # from [n, 4, 2]


def lay_places(grid: Grid, bounds: Window, size: float) -> PlaceGrid:
    """Lays squares over a window.

    Args:
        grid: The raster's grid.
        bounds: Window to cover.
        size: Side of a square in CRS units, rounded to whole pixels; 0 = `PIXELS`, or what the window holds.

    Raises:
        InvalidParameter: A square is larger than the window.
    """
    width, height = int(bounds.width), int(bounds.height)
    if size > 0:
        across, down = (max(1, round(size / pixel)) for pixel in grid.resolution)
        if across > width or down > height:
            raise InvalidParameter(
                f"A place of {size:g} CRS units is {across} x {down} pixels, which is larger than the area to search "
                f"({width} x {height} pixels). Use a smaller size, 0 for {PIXELS} pixels, or a larger extent."
            )
    else:
        across = down = min(PIXELS, width, height)
    rows, columns = height // down, width // across
    return PlaceGrid(
        int(bounds.row_off) + (height - rows * down) // 2,
        int(bounds.col_off) + (width - columns * across) // 2,
        down,
        across,
        rows,
        columns,
    )


@dataclass(frozen=True)
class PlaceRow:
    """One row of places.

    Attributes:
        row: Index of the row.
        uncertainty: Mean over the pixels of each place, 0..1 [columns].
        probabilities: Mean of each class [K, columns].
        known: Share of pixels with a prediction [columns].
    """

    row: int
    uncertainty: Floats
    probabilities: Floats
    known: Floats


def uncertainty(probabilities: Floats) -> Floats:
    """One minus the margin between the two most probable classes [K, ...]: 0 sure, 1 undecided.

    Margin sampling (Scheffer and others, 2001), also called breaking ties (Luo and others, 2005). It asks for
    pixels whose label decides between two classes, so that each answer moves a class boundary; entropy prefers pixels
    that resemble many classes, such as haze. Tuia and others (2011) found it as good as costlier measures on remote
    sensing images.
    """
    first, second = np.zeros_like(probabilities[0]), np.zeros_like(probabilities[0])
    for layer in probabilities:
        np.maximum(second, np.minimum(first, layer), out=second)
        np.maximum(first, layer, out=first)
    return 1 - (first - second)


class PlaceSums:
    """Aggregates rows of pixels into rows of places, with memory for one row of places at a time.

    The mean over a place plays down mixed pixels on class boundaries, which are always uncertain and impossible to
    label.
    """

    def __init__(self, places: PlaceGrid, classes: int) -> None:
        """Starts above the first row.

        Args:
            places: The squares.
            classes: K, channels of a prediction.
        """
        self._places = places
        self._sums = np.zeros((classes + 2, places.columns))  # classes, uncertainty, pixels

    def add(self, rows: Rows) -> Iterator[PlaceRow]:
        """Takes the next rows of pixels and gives the rows of places that they complete.

        Args:
            rows: From top to bottom, without a gap.
        """
        places = self._places
        start, end = max(rows.top, places.top), min(rows.top + rows.height, places.bottom)
        while start < end:
            row = (start - places.top) // places.down
            below = places.top + (row + 1) * places.down
            stop = min(end, below)
            self._add_pixels(rows, start - rows.top, stop - rows.top)
            if stop == below:
                yield self._finished(row)
            start = stop

    def _add_pixels(self, rows: Rows, start: int, stop: int) -> None:
        places = self._places
        columns = slice(places.left, places.left + places.columns * places.across)
        known = rows.known[start:stop, columns]
        probabilities = rows.probabilities[:, start:stop, columns]
        unsure = np.where(known, uncertainty(probabilities), 0)
        for target, values in zip(self._sums, [*probabilities, unsure, known]):
            by_column = values.sum(axis=0, dtype=np.float64)
            target += by_column.reshape(places.columns, places.across).sum(axis=1)

    def _finished(self, row: int) -> PlaceRow:
        *classes, unsure, pixels = self._sums
        share = np.maximum(pixels, 1)
        done = PlaceRow(
            row,
            unsure / share,
            np.stack(classes) / share,
            pixels / (self._places.down * self._places.across),
        )
        self._sums[...] = 0
        return done

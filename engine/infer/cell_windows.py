"""The windows of the cells of a grid: one window a cell."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from typing import Any

import shapely
from rasterio.windows import Window

from ..data.grid import Grid
from ..progress import Progress
from .cells import Cells
from .model_inputs import Feeds, Read
from .region import Region
from .scene_windows import ENOUGH, Coverage, SceneWindow
from .tally import Tally

_STRETCH = 64  # windows to compute before results are kept in the journal


class CellWindows:
    """Windows of the cells that touch the region and are at least half valid. A row of cells is a part.

    Attributes:
        parts: Number of parts.
        stretch: Parts to compute before results are kept in the journal.
        geometries: Outlines of the cells that can be labelled, complete after iterating.
        sparse: Cells left out for lack of valid pixels.
        tally: Counts of windows and pixels.
    """

    def __init__(self, cells: Cells, region: Region, read: Read) -> None:
        """Nothing is read before iterating.

        Args:
            cells: The grid of cells.
            region: Where labels are wanted.
            read: Gives a window's inputs and its valid pixels.
        """
        self._cells, self._region, self._read = cells, region, read
        self.geometries: list[Any] = []
        self.sparse = 0
        self.tally = Tally(total=len(cells))
        self._rows = [list(row) for row in cells.rows_touching(region.bounds)]
        self.parts = len(self._rows)
        self.stretch = max(1, _STRETCH // max(map(len, self._rows), default=1))

    def fresh(self) -> CellWindows:
        """A copy that has not been iterated yet."""
        other = copy(self)
        other.geometries, other.sparse, other.tally = [], 0, Tally(total=self.tally.total)
        return other

    def positions(self) -> Iterator[Window]:
        """Positions of the windows that may have to be computed."""
        return (window for row in self._rows for window in row)

    def read(self, window: Window) -> Feeds | None:
        """The model's inputs of a window; None where it need not be computed."""
        if not self._region.mask(window).any():
            return None
        feeds, valid = self._read(window)
        return feeds if valid.mean() >= ENOUGH else None

    def __call__(self, progress: Progress, parts: range | None = None) -> Iterator[SceneWindow]:
        """Reads the cells of some parts, or of all; a cancel takes effect between two."""
        parts = range(self.parts) if parts is None else parts
        wanted = [(part, window) for part in parts for window in self._rows[part]]
        for done, (part, window) in enumerate(wanted):
            progress.update(done / len(wanted), "Classifying cells")
            if not self._region.mask(window).any():
                continue
            feeds, valid = self._read(window)
            if valid.mean() < ENOUGH:
                self.sparse += 1
                continue
            self.tally.run += 1
            self.tally.pixels += int(valid.sum())
            self.geometries.append(outline(self._cells.grid, window))
            yield SceneWindow(part, len(self.geometries) - 1, 1.0, feeds)

    def coverage(self, parts: range) -> Coverage:
        """What is known of the cells once the parts have been iterated."""
        return Coverage(parts, tuple(self.geometries), (), self.sparse, self.tally)

    def take(self, coverage: Coverage) -> int:
        """Appends the coverage of the next parts, as another process found it; returns the index of its first cell."""
        start = len(self.geometries)
        self.geometries.extend(coverage.geometries)
        self.sparse += coverage.sparse
        self.tally.add(coverage.tally)
        return start


def outline(grid: Grid, window: Window) -> Any:
    """The part of a window inside the grid, as a polygon in map coordinates."""
    return shapely.Polygon(grid.corners(grid.clip(window)))

"""Which windows a scene model looks at for each cell of a grid."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from typing import Any

import shapely
from rasterio.windows import Window

from ..data.grid import Grid
from ..progress import Progress
from .cells import Cells
from .looks import ENOUGH, Found, Look
from .mosaic import Feeds, Read
from .region import Region
from .tally import Tally

_STRETCH = 64  # windows that are looked at before what was found is kept


class CellLooks:
    """One window a cell: cells that touch the region and are at least half valid. A row of cells is a part.

    Attributes:
        parts: Their number.
        stretch: Parts to look at before what was found is kept.
        geometries: Outlines of the cells looked at, complete after iterating.
        sparse: Cells left out for lack of valid pixels.
        tally: Windows.
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

    def fresh(self) -> CellLooks:
        """The same, without what was found."""
        other = copy(self)
        other.geometries, other.sparse, other.tally = [], 0, Tally(total=self.tally.total)
        return other

    def windows(self) -> Iterator[Window]:
        """Those that may be looked at."""
        return (window for row in self._rows for window in row)

    def look(self, window: Window) -> Feeds | None:
        """The model's inputs of a window; None where there is nothing to look at."""
        if not self._region.mask(window).any():
            return None
        feeds, valid = self._read(window)
        return feeds if valid.mean() >= ENOUGH else None

    def __call__(self, progress: Progress, parts: range | None = None) -> Iterator[Look]:
        """Looks at each cell of some parts, or of all; a cancel takes effect between two."""
        parts = range(self.parts) if parts is None else parts
        wanted = [(part, window) for part in parts for window in self._rows[part]]
        for done, (part, window) in enumerate(wanted):
            progress.update(done / len(wanted), "Labelling cells")
            if not self._region.mask(window).any():
                continue
            feeds, valid = self._read(window)
            if valid.mean() < ENOUGH:
                self.sparse += 1
                continue
            self.tally.run += 1
            self.tally.pixels += int(valid.sum())
            self.geometries.append(outline(self._cells.grid, window))
            yield Look(part, len(self.geometries) - 1, 1.0, feeds)

    def found(self, parts: range) -> Found:
        """What was found, apart from scores, once the parts were looked at."""
        return Found(parts, tuple(self.geometries), (), self.sparse, self.tally)

    def take(self, found: Found) -> int:
        """Adds what others found in the parts after those that are here; gives its first place here."""
        start = len(self.geometries)
        self.geometries.extend(found.geometries)
        self.sparse += found.sparse
        self.tally.add(found.tally)
        return start


def outline(grid: Grid, window: Window) -> Any:
    """The part of a window inside the grid, as a polygon in map coordinates."""
    return shapely.Polygon(grid.corners(grid.clip(window)))

"""Which windows a scene model looks at for each cell of a grid or each zone of a user."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.windows import Window

from ..data.grid import Grid
from ..errors import EmptyArea
from ..progress import Progress
from .cells import Cells
from .mosaic import Feeds, Read
from .region import Region
from .tally import Tally
from .windows import SlidingWindows

# Less of a cell or zone than this is too little to label it by.
ENOUGH = 0.5
_ZONES = 64  # of a part
_STRETCH = 64  # windows that are looked at before what was found is kept


@dataclass(frozen=True)
class Look:
    """One window that the model sees.

    Attributes:
        part: The part of the work that it belongs to: windows of different parts are never predicted together, so
            that each part gives the same wherever it is computed.
        place: Index of the feature it counts for.
        weight: How much, in valid pixels.
        feeds: The model's inputs.
    """

    part: int
    place: int
    weight: float
    feeds: Feeds


@dataclass(frozen=True)
class Found:
    """What looking at some parts gives besides what the model says.

    Attributes:
        parts: Which.
        geometries: Of cells: the outlines of those looked at.
        covered: Of zones: the share of each that is valid.
        sparse: Cells left out.
        tally: Windows.
    """

    parts: range
    geometries: tuple[Any, ...]
    covered: tuple[float, ...]
    sparse: int
    tally: Tally


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


class ZoneLooks:
    """The windows that cover each zone, weighted by the zone's valid pixels in them. Some zones are a part.

    Attributes:
        parts: Their number.
        stretch: Parts to look at before what was found is kept.
        covered: Share of each zone that is valid [n], complete after iterating.
        tally: Windows.
    """

    def __init__(
        self, grid: Grid, window: int, zones: NDArray[Any], region: Region, read: Read
    ) -> None:
        """Nothing is read before iterating.

        Args:
            grid: Pixels in which the model sees.
            window: Side of its window, pixels.
            zones: shapely polygons in the grid's CRS [n].
            region: Where labels are wanted.
            read: Gives a window's inputs and its valid pixels.
        """
        self._grid, self._window, self._zones = grid, window, zones
        self._region, self._read = region, read
        self.covered = np.zeros(len(zones))
        self.tally = Tally()
        self.parts, self.stretch = -(-len(zones) // _ZONES), 1

    def fresh(self) -> ZoneLooks:
        """The same, without what was found."""
        other = copy(self)
        other.covered, other.tally = np.zeros(len(self._zones)), Tally()
        return other

    @property
    def enough(self) -> NDArray[np.bool_]:
        """Zones of which at least half is valid [n]."""
        return self.covered >= ENOUGH

    @property
    def sparse(self) -> int:
        """Number of the others."""
        return int(np.count_nonzero(~self.enough))

    def windows(self) -> Iterator[Window]:
        """Those that may be looked at: what the boxes around the zones need."""
        for zone in self._zones:
            with suppress(EmptyArea):  # beside the raster
                yield from covering(self._grid, self._grid.window_of(zone.bounds), self._window)

    def look(self, window: Window) -> Feeds | None:
        """The model's inputs of a window; None where there is nothing to look at."""
        if not self._region.mask(window).any():
            return None
        feeds, valid = self._read(window)
        return feeds if valid.any() else None

    def __call__(self, progress: Progress, parts: range | None = None) -> Iterator[Look]:
        """Looks at each zone of some parts, or of all; a cancel takes effect between two windows."""
        wanted = self._places(range(self.parts) if parts is None else parts)
        for place in wanted:
            zone = self._zones[place]
            progress.update((place - wanted.start) / len(wanted), "Labelling zones")
            inside_all = valid_all = 0
            area = zone_region(self._grid, zone)
            for window in covering(self._grid, area.bounds, self._window):
                progress.check()
                self.tally.total += 1
                inside = area.mask(window) & self._region.mask(window)
                if not inside.any():
                    continue
                feeds, valid = self._read(window)
                weight = int(np.count_nonzero(inside & valid))
                inside_all += int(np.count_nonzero(inside))
                valid_all += weight
                if weight:
                    self.tally.run += 1
                    self.tally.pixels += weight
                    yield Look(place // _ZONES, place, float(weight), feeds)
            self.covered[place] = valid_all / inside_all if inside_all else 0.0

    def found(self, parts: range) -> Found:
        """What was found, apart from scores, once the parts were looked at."""
        wanted = self._places(parts)
        covered = tuple(self.covered[wanted.start : wanted.stop].tolist())
        return Found(parts, (), covered, 0, self.tally)

    def take(self, found: Found) -> int:
        """Adds what others found; gives its first place here: the places are alike everywhere."""
        wanted = self._places(found.parts)
        self.covered[wanted.start : wanted.stop] = found.covered
        self.tally.total += found.tally.total
        self.tally.add(found.tally)
        return 0

    def _places(self, parts: range) -> range:
        return range(parts.start * _ZONES, min(parts.stop * _ZONES, len(self._zones)))


def zone_region(grid: Grid, zone: Any) -> Region:
    """A zone's pixels; of one that holds no pixel's centre, those that it touches."""
    try:
        return Region(grid, grid.window, np.array([zone], object))
    except EmptyArea:
        left, bottom, right, top = zone.bounds
        margin = min(grid.resolution) * 1e-3
        return Region(
            grid, grid.window_of((left - margin, bottom - margin, right + margin, top + margin))
        )


def covering(grid: Grid, bounds: Window, size: int) -> Iterator[Window]:
    """Windows over a part of a raster; where the part is smaller than a window, centred on it and inside the raster."""
    tops = _starts(bounds.row_off, bounds.height, grid.height, size)
    lefts = _starts(bounds.col_off, bounds.width, grid.width, size)
    return (Window(left, top, size, size) for top in tops for left in lefts)


def _starts(first: int, length: int, whole: int, size: int) -> list[int]:
    if length > size:
        return [first + start for start in SlidingWindows(length, 1, size, 0).tops]
    centred = first - (size - length) // 2
    return [max(0, min(centred, whole - size))]


def outline(grid: Grid, window: Window) -> Any:
    """The part of a window inside the grid, as a polygon in map coordinates."""
    part = grid.clip(window)
    left, top = part.col_off, part.row_off
    right, bottom = left + part.width, top + part.height
    corners = ((left, top), (right, top), (right, bottom), (left, bottom))
    return shapely.Polygon([grid.xy(column, row) for column, row in corners])

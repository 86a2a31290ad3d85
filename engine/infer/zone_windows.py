"""The windows that cover the zones of a user: several for a large zone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from copy import copy
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.windows import Window

from ..data.grid import Grid
from ..errors import EmptyArea
from ..progress import Progress
from .model_inputs import Feeds, Read
from .region import Region
from .scene_windows import ENOUGH, Coverage, SceneWindow
from .tally import Tally
from .windows import SlidingWindows

_ZONES = 64  # zones in a part


class ZoneWindows:
    """The windows that cover each zone, weighted by the zone's valid pixels in them. `_ZONES` zones are a part.

    Attributes:
        parts: Number of parts.
        stretch: Parts to compute before results are kept in the journal.
        covered: Valid share of each zone [n], complete after iterating; ground beside the raster is invalid.
        tally: Counts of windows and pixels.
    """

    def __init__(
        self, grid: Grid, window: int, zones: NDArray[Any], region: Region, read: Read
    ) -> None:
        """Nothing is read before iterating.

        Args:
            grid: The grid on which the model sees the raster.
            window: Side of the model's window, pixels.
            zones: shapely polygons in the grid's CRS [n].
            region: Where labels are wanted.
            read: Gives a window's inputs and its valid pixels.
        """
        self._grid, self._window, self._zones = grid, window, zones
        self._region, self._read = region, read
        self._ground = shapely.Polygon(grid.corners(grid.window))
        self.covered = np.zeros(len(zones))
        self.tally = Tally()
        self.parts, self.stretch = -(-len(zones) // _ZONES), 1

    def fresh(self) -> ZoneWindows:
        """A copy that has not been iterated yet."""
        other = copy(self)
        other.covered, other.tally = np.zeros(len(self._zones)), Tally()
        return other

    @property
    def enough(self) -> NDArray[np.bool_]:
        """Zones of which at least half is valid [n]."""
        return self.covered >= ENOUGH

    @property
    def sparse(self) -> int:
        """Number of zones with less."""
        return int(np.count_nonzero(~self.enough))

    def positions(self) -> Iterator[Window]:
        """Positions of the windows that may have to be computed: those over the zones' bounding boxes."""
        for zone in self._zones:
            with suppress(EmptyArea):  # beside the raster
                yield from covering(self._grid, self._grid.window_of(zone.bounds), self._window)

    def read(self, window: Window) -> Feeds | None:
        """The model's inputs of a window; None where it need not be computed."""
        if not self._region.mask(window).any():
            return None
        feeds, valid = self._read(window)
        return feeds if valid.any() else None

    def __call__(self, progress: Progress, parts: range | None = None) -> Iterator[SceneWindow]:
        """Reads the windows of some parts, or of all; a cancel takes effect between two windows."""
        wanted = self._places(range(self.parts) if parts is None else parts)
        for place in wanted:
            zone = self._zones[place]
            progress.update((place - wanted.start) / len(wanted), "Classifying zones")
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
                    yield SceneWindow(place // _ZONES, place, float(weight), feeds)
            valid_share = valid_all / inside_all if inside_all else 0.0
            self.covered[place] = valid_share * _share_on(self._ground, zone)

    def coverage(self, parts: range) -> Coverage:
        """What is known of the zones once the parts have been iterated."""
        wanted = self._places(parts)
        covered = tuple(self.covered[wanted.start : wanted.stop].tolist())
        return Coverage(parts, (), covered, 0, self.tally)

    def take(self, coverage: Coverage) -> int:
        """Takes over the coverage that another process found; returns 0, as zones have the same index everywhere."""
        wanted = self._places(coverage.parts)
        self.covered[wanted.start : wanted.stop] = coverage.covered
        self.tally.total += coverage.tally.total
        self.tally.add(coverage.tally)
        return 0

    def _places(self, parts: range) -> range:
        return range(parts.start * _ZONES, min(parts.stop * _ZONES, len(self._zones)))


def zone_region(grid: Grid, zone: Any) -> Region:
    """The pixels whose centre lies in a zone; where there is none, the pixels that the zone touches."""
    try:
        return Region(grid, grid.window, np.array([zone], object))
    except EmptyArea:
        left, bottom, right, top = zone.bounds
        margin = min(grid.resolution) * 1e-3
        return Region(
            grid, grid.window_of((left - margin, bottom - margin, right + margin, top + margin))
        )


def _share_on(ground: Any, zone: Any) -> float:
    """Share of a zone's area that lies on the raster; 1 for one without an area."""
    return float(shapely.intersection(zone, ground).area / zone.area) if zone.area > 0 else 1.0


def covering(grid: Grid, bounds: Window, size: int) -> Iterator[Window]:
    """Windows that cover a part of a raster; a smaller part gets one window centred on it, inside the raster."""
    tops = _starts(bounds.row_off, bounds.height, grid.height, size)
    lefts = _starts(bounds.col_off, bounds.width, grid.width, size)
    return (Window(left, top, size, size) for top in tops for left in lefts)


def _starts(first: int, length: int, whole: int, size: int) -> list[int]:
    if length > size:
        return [first + start for start in SlidingWindows(length, 1, size, 0).tops]
    centred = first - (size - length) // 2
    return [max(0, min(centred, whole - size))]

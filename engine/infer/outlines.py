"""Outlines of the regions of a class map, as GDAL traces them, and which pixels each of them holds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np
import rasterio.features
from affine import Affine
from numpy.typing import NDArray

# Rings that are kept as Python's objects: more of them take the time of their memory.
_KEPT_RINGS = 128
_POLYGON_HEAD = np.dtype([("none", "u1"), ("order", "u1"), ("kind", "<u4"), ("rings", "<u4")])


@dataclass(frozen=True)
class Outlines:
    """Regions of equal values that hang together by their sides.

    Attributes:
        values: Of each region [n].
        corners: (column, row) of the corners of all rings, one ring after the other; each ends where it begins [v, 2].
        sizes: Corners of each ring [r].
        owners: Region of each ring [r], rising; its first ring is its shell, the others are holes.
    """

    values: NDArray[np.int32]
    corners: NDArray[np.float64]
    sizes: NDArray[np.int64]
    owners: NDArray[np.int64]

    def __len__(self) -> int:
        """Number of regions."""
        return len(self.values)

    def wkb(self, transform: Affine) -> NDArray[Any]:
        """The regions as polygons in WKB, bytes [n].

        All are laid out at once, which takes a third of the time of geometries made one by one. A ring's head has 4
        bytes, a corner 16, a polygon's head 9 and one before it that is left out.

        Args:
            transform: From columns and rows to coordinates.
        """
        if not len(self):
            return np.empty(0, object)
        heads = np.zeros(len(self), _POLYGON_HEAD)
        heads["order"], heads["kind"] = 1, 3  # the least byte first; a polygon
        heads["rings"] = np.bincount(self.owners)
        corners = 8 * self.sizes  # two bytes at a time, as all that follows
        ends = (2 + 5 * self._shells + corners).cumsum()
        counts = ends - corners - 2
        starts = counts[self._shells] - 5
        laid = np.empty(ends[-1], "<u2")
        free = np.ones(len(laid), bool)
        for where, parts in ((starts, heads), (counts, self.sizes.astype("<u4"))):
            units = parts.view("<u2").reshape(len(where), -1)
            for column in range(units.shape[1]):
                laid[where + column] = units[:, column]
                free[where + column] = False
        a, b, c, d, e, f = transform[:6]
        places = self.corners @ np.array([[a, d], [b, e]]) + (c, f)  # [v, 2]
        laid[free] = places.astype("<f8").view("<u2").ravel()
        joined = laid.tobytes()
        bounds = [*(2 * starts).tolist(), len(joined)]
        made = np.empty(len(self), object)
        made[:] = [joined[begin + 1 : end] for begin, end in zip(bounds, bounds[1:])]
        return made

    @cached_property
    def _shells(self) -> NDArray[np.bool_]:
        """Which rings are shells [r]."""
        return np.diff(self.owners, prepend=-1) > 0

    @cached_property
    def _sides(self) -> NDArray[np.int64]:
        """The vertical sides [4, s]: column, first row, row after the last, and what a running sum gains there."""
        begin, end = self.corners[:-1].astype(np.int64), self.corners[1:].astype(np.int64)
        ring = np.repeat(np.arange(len(self.sizes)), self.sizes)
        side = (ring[:-1] == ring[1:]) & (begin[:, 0] == end[:, 0]) & (begin[:, 1] != end[:, 1])
        ring, columns, first, last = ring[:-1][side], begin[side, 0], begin[side, 1], end[side, 1]
        # The sign of a ring's area tells the direction in which it was traced; a hole takes away from its shell.
        area = np.bincount(ring, columns * (last - first), minlength=len(self.sizes))
        forward = ((area > 0) == self._shells)[ring]
        gain = np.where((last > first) == forward, -1, 1) * (self.owners[ring] + 1)
        return np.stack([columns, np.minimum(first, last), np.maximum(first, last), gain])

    def numbers(self, top: int, height: int, width: int) -> NDArray[np.int32]:
        """Which region each pixel of some rows belongs to: its place in `values`, -1 for none [height, width].

        Along a row, a region begins at one vertical side of its outline and ends at another, and no two regions share
        a pixel: so a running sum of the regions that begin, less those that end, tells where one is.
        """
        within = (self._sides[1] < top + height) & (self._sides[2] > top)
        columns, first, last, gain = self._sides[:, within]
        first, last = first.clip(top) - top, last.clip(max=top + height) - top
        count = last - first
        rows = np.arange(count.sum()) - np.repeat(count.cumsum() - count, count)
        rows += np.repeat(first, count)
        places = rows * (width + 1) + np.repeat(columns, count)
        # Sums of whole numbers, which float64 holds exactly.
        changes = np.bincount(places, np.repeat(gain, count), height * (width + 1))
        numbers = changes.reshape(height, width + 1).cumsum(axis=1)[:, :width] - 1
        return numbers.astype(np.int32)


def trace(pixels: NDArray[Any], wanted: NDArray[np.bool_]) -> Outlines:
    """Finds the regions and their outlines.

    Args:
        pixels: Integers [rows, columns].
        wanted: Pixels that belong to a region [rows, columns].
    """
    values: list[int] = []
    owners: list[int] = []
    sizes: list[int] = []
    corners: list[NDArray[np.float64]] = []
    rings: list[list[tuple[float, float]]] = []
    for shape, value in rasterio.features.shapes(pixels, wanted):
        owners += [len(values)] * len(shape["coordinates"])
        rings += shape["coordinates"]
        values.append(int(value))
        if len(rings) >= _KEPT_RINGS:
            corners.append(_flat(rings, sizes))
            rings.clear()
    corners.append(_flat(rings, sizes))
    return Outlines(
        np.array(values, np.int32),
        np.concatenate(corners).reshape(-1, 2),
        np.array(sizes, np.int64),
        np.array(owners, np.int64),
    )


def _flat(rings: list[list[tuple[float, float]]], sizes: list[int]) -> NDArray[np.float64]:
    """Columns and rows of the corners of some rings, one after the other; appends the rings' sizes."""
    new = [len(ring) for ring in rings]
    sizes += new
    flat = chain.from_iterable(chain.from_iterable(rings))
    return np.fromiter(flat, np.float64, 2 * sum(new))

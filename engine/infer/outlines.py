"""Outlines of the regions of a class map, traced by GDAL, and which pixels each region holds."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np
import rasterio.features
from affine import Affine
from numpy.typing import NDArray

# Rings that are held as Python objects at a time: they take much more memory than arrays.
_KEPT_RINGS = 128
# WKB headers: byte order (1 = little-endian), geometry type (3 = polygon), number of rings; corners of a ring.
_POLYGON, _COUNT = struct.Struct("<BII"), struct.Struct("<I")


@dataclass(frozen=True)
class Outlines:
    """Regions of equal value whose pixels share sides (4-connected).

    Attributes:
        values: Value of each region [n].
        corners: (column, row) of the corners of all rings, one ring after the other; each ends where it begins [v, 2].
        sizes: Corners of each ring [r].
        owners: Region of each ring [r], ascending; a region's first ring is its shell, the others are holes.
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

        Assembled from slices of all corners, which takes half the time of making shapely geometries first.

        Args:
            transform: Maps columns and rows to coordinates.
        """
        a, b, c, d, e, f = transform[:6]
        places = self.corners @ np.array([[a, d], [b, e]]) + (c, f)  # [v, 2]
        laid, ends = places.astype("<f8").tobytes(), (16 * self.sizes.cumsum()).tolist()
        rings = [
            _COUNT.pack(size) + laid[begin:end]
            for size, begin, end in zip(self.sizes.tolist(), [0, *ends], ends)
        ]
        shells = [*np.flatnonzero(self._shells).tolist(), len(rings)]
        made = np.empty(len(self), object)
        made[:] = [
            _POLYGON.pack(1, 3, last - first) + b"".join(rings[first:last])
            for first, last in zip(shells, shells[1:])
        ]
        return made

    @cached_property
    def _shells(self) -> NDArray[np.bool_]:
        """Which rings are shells [r]."""
        return np.diff(self.owners, prepend=-1) > 0

    @cached_property
    def _sides(self) -> NDArray[np.int64]:
        """The vertical sides [4, s]: column, first row, row after the last, and the step of the running sum there."""
        begin, end = self.corners[:-1].astype(np.int64), self.corners[1:].astype(np.int64)
        ring = np.repeat(np.arange(len(self.sizes)), self.sizes)
        side = (ring[:-1] == ring[1:]) & (begin[:, 0] == end[:, 0]) & (begin[:, 1] != end[:, 1])
        ring, columns, first, last = ring[:-1][side], begin[side, 0], begin[side, 1], end[side, 1]
        # The sign of a ring's area gives its direction; holes step the opposite way of shells.
        area = np.bincount(ring, columns * (last - first), minlength=len(self.sizes))
        forward = ((area > 0) == self._shells)[ring]
        gain = np.where((last > first) == forward, -1, 1) * (self.owners[ring] + 1)
        return np.stack([columns, np.minimum(first, last), np.maximum(first, last), gain])

    def numbers(self, top: int, height: int, width: int) -> NDArray[np.int32]:
        """Index of the region of each pixel of some rows, -1 for none [height, width].

        Along a row a region begins at one vertical side of its outline and ends at another, and regions do not
        overlap: so a running sum over the sides, plus at a beginning and minus at an end, gives the region's number.
        """
        within = (self._sides[1] < top + height) & (self._sides[2] > top)
        columns, first, last, gain = self._sides[:, within]
        first, last = first.clip(top) - top, last.clip(max=top + height) - top
        count = last - first
        rows = np.arange(count.sum()) - np.repeat(count.cumsum() - count, count)
        rows += np.repeat(first, count)
        places = rows * (width + 1) + np.repeat(columns, count)
        # bincount adds in float64, which is exact for these whole numbers.
        changes = np.bincount(places, np.repeat(gain, count), height * (width + 1))
        numbers = changes.reshape(height, width + 1).cumsum(axis=1)[:, :width] - 1
        return numbers.astype(np.int32)


def trace(pixels: NDArray[Any], wanted: NDArray[np.bool_]) -> Outlines:
    """Finds the regions and their outlines.

    Args:
        pixels: Integers [rows, columns].
        wanted: Mask of the pixels to trace [rows, columns].
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

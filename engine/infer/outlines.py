"""Outlines of the regions of a class map, as GDAL traces them, and which pixels each of them holds."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import rasterio.features
import shapely
from affine import Affine
from numpy.typing import NDArray


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

    def polygons(self, transform: Affine) -> NDArray[Any]:
        """The regions as polygons [n].

        Args:
            transform: From columns and rows to coordinates.
        """
        if not len(self):
            return np.empty(0, object)
        a, b, c, d, e, f = transform[:6]
        places = self.corners @ np.array([[a, d], [b, e]]) + (c, f)  # [v, 2]
        rings = shapely.linearrings(
            places, indices=np.repeat(np.arange(len(self.sizes)), self.sizes)
        )
        made: NDArray[Any] = shapely.polygons(rings, indices=self.owners)
        return made

    def numbers(self, top: int, height: int, width: int) -> NDArray[np.int32]:
        """Which region each pixel of some rows belongs to: its place in `values`, -1 for none [height, width].

        Along a row, a region begins at one vertical side of its outline and ends at another, and no two regions share
        a pixel: so a running sum of the regions that begin, less those that end, tells where one is.
        """
        begin, end = self.corners[:-1].astype(np.int64), self.corners[1:].astype(np.int64)
        ring = np.repeat(np.arange(len(self.sizes)), self.sizes)
        side = (ring[:-1] == ring[1:]) & (begin[:, 0] == end[:, 0]) & (begin[:, 1] != end[:, 1])
        columns, ring = begin[side, 0], ring[:-1][side]
        down = end[side, 1] > begin[side, 1]
        # The sign of a ring's area tells the direction in which it was traced; a hole takes away from its shell.
        area = np.bincount(
            ring, columns * (end[side, 1] - begin[side, 1]), minlength=len(self.sizes)
        )
        shell = np.diff(self.owners, prepend=-1) > 0
        forward = ((area > 0) == shell)[ring]
        step = np.where(down == forward, -1, 1) * (self.owners[ring] + 1)
        first = np.minimum(begin[side, 1], end[side, 1]).clip(top, top + height) - top
        last = np.maximum(begin[side, 1], end[side, 1]).clip(top, top + height) - top
        count = last - first
        rows = np.arange(count.sum()) - np.repeat(count.cumsum() - count, count)
        rows += np.repeat(first, count)
        changes = np.zeros((height, width + 1), np.int64)
        np.add.at(changes, (rows, np.repeat(columns, count)), np.repeat(step, count))
        return (changes.cumsum(axis=1)[:, :width] - 1).astype(np.int32)


def trace(pixels: NDArray[Any], wanted: NDArray[np.bool_]) -> Outlines:
    """Finds the regions and their outlines.

    Args:
        pixels: Integers [rows, columns].
        wanted: Pixels that belong to a region [rows, columns].
    """
    values: list[int] = []
    rings: list[list[tuple[float, float]]] = []
    owners: list[int] = []
    for shape, value in rasterio.features.shapes(pixels, wanted):
        owners += [len(values)] * len(shape["coordinates"])
        rings += shape["coordinates"]
        values.append(int(value))
    sizes = np.array([len(ring) for ring in rings], np.int64)
    flat = chain.from_iterable(chain.from_iterable(rings))
    corners = np.fromiter(flat, np.float64, 2 * int(sizes.sum())).reshape(-1, 2)
    return Outlines(np.array(values, np.int32), corners, sizes, np.array(owners, np.int64))

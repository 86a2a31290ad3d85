"""Finds out which blocks of a GeoTIFF hold data from their sizes in the file, without reading pixels.

A block that is all no-data repeats one value, so it compresses to a hundredth or is left out of the file; one that is
partly no-data is smaller than the others. Other formats do not tell the sizes of their blocks.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# State of a block or window.
EMPTY, UNKNOWN, FULL = 0, 1, 2
# A block that compresses to less than this share of its raw size holds one value; imagery stays above a tenth.
_ONE_VALUE = 1 / 40
# Blocks of at least this share of the larger ones' size are full. Smaller ones may be partly no-data or merely have
# little detail, so they are unknown.
_WHOLE = 0.7
_MOST = 100_000  # most blocks to query; each takes a microsecond or two


class FilledBlocks:
    """Which blocks of one band hold data."""

    def __init__(self, held: NDArray[np.int8], height: int, width: int) -> None:
        """Stores the states of the blocks.

        Args:
            held: `EMPTY`, `UNKNOWN` or `FULL` for each block [rows of blocks, columns of blocks].
            height: Height of a block, pixels.
            width: Width of a block, pixels.
        """
        self._height, self._width = height, width
        self._some, self._short = _corner_sums(held > EMPTY), _corner_sums(held < FULL)

    @classmethod
    def of(cls, dataset: Any, band: int) -> FilledBlocks | None:
        """The blocks of a rasterio dataset; None if it is not a GeoTIFF or has more than `_MOST` blocks.

        Args:
            dataset: Open for reading.
            band: Number of the band, from 1.
        """
        height, width = dataset.block_shapes[band - 1]
        rows, columns = -(-dataset.height // height), -(-dataset.width // width)
        if dataset.driver != "GTiff" or rows * columns > _MOST:
            return None
        together = dataset.count if dataset.profile.get("interleave") == "pixel" else 1
        raw = height * width * together * np.dtype(dataset.dtypes[band - 1]).itemsize
        sizes = np.array(
            [
                int(dataset.get_tag_item(f"BLOCK_SIZE_{column}_{row}", "TIFF", bidx=band) or 0)
                for row in range(rows)
                for column in range(columns)
            ]
        ).reshape(rows, columns)
        held = np.where(sizes > raw * _ONE_VALUE, UNKNOWN, EMPTY).astype(np.int8)
        if dataset.profile.get("compress") and held.any():
            held[sizes >= _WHOLE * np.percentile(sizes[held > EMPTY], 75)] = FULL
        return cls(held, height, width)

    def under(
        self, tops: NDArray[np.int64], lefts: NDArray[np.int64], side: int
    ) -> NDArray[np.int8]:
        """The states of squares [n]: `EMPTY` or `FULL` if all their blocks are, else `UNKNOWN`.

        Parts of a square outside the raster have no blocks.

        Args:
            tops: First rows [n].
            lefts: First columns [n].
            side: Side of the squares, pixels.
        """
        rows, columns = (size - 1 for size in self._some.shape)
        top, left = (tops // self._height).clip(0, rows), (lefts // self._width).clip(0, columns)
        bottom = (-(-(tops + side) // self._height)).clip(top, rows)
        right = (-(-(lefts + side) // self._width)).clip(left, columns)

        def count(sums: NDArray[np.int64]) -> NDArray[np.int64]:
            inside = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
            return np.asarray(inside)

        held = np.where(count(self._short) == 0, FULL, UNKNOWN)
        return np.where(count(self._some) == 0, EMPTY, held).astype(np.int8)


def _corner_sums(chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Summed-area table [rows + 1, columns + 1]: the count in a rectangle follows from its four corners."""
    return np.pad(chosen.astype(np.int64), ((1, 0), (1, 0))).cumsum(0).cumsum(1)

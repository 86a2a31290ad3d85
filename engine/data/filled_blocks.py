"""Which blocks of a GeoTIFF hold data, told by their sizes in the file, without reading a pixel.

A block of nothing but no-data is one value again and again, which compresses to a hundredth or is left out of the file;
one that is partly no-data is smaller than the others. Of other formats nothing is known.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# What is known of a window.
EMPTY, UNKNOWN, FULL = 0, 1, 2
# Compressed to less than this share of its pixels, a block holds one value; imagery stays above a tenth.
_ONE_VALUE = 1 / 40
# Of the size of the larger ones; blocks with few details are smaller too, so that of the others nothing is said.
_WHOLE = 0.7
_MOST = 100_000  # blocks that are asked for; a microsecond or two each


class FilledBlocks:
    """What the blocks of one band hold."""

    def __init__(self, held: NDArray[np.int8], height: int, width: int) -> None:
        """Keeps the blocks.

        Args:
            held: `EMPTY`, `UNKNOWN` or `FULL` for each block [rows of blocks, columns of blocks].
            height: Rows of pixels of a block.
            width: Columns of pixels of a block.
        """
        self._height, self._width = height, width
        self._some, self._short = _corner_sums(held > EMPTY), _corner_sums(held < FULL)

    @classmethod
    def of(cls, dataset: Any, band: int) -> FilledBlocks | None:
        """Those of an open rasterio dataset; None where nothing is known of them.

        Args:
            dataset: Open for reading.
            band: Counted from 1.
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
        """What squares [n] hold: `EMPTY` where all their blocks are, `FULL` where all are; none lie outside.

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
    """How many are chosen above and left of each corner [rows + 1, columns + 1]: a rectangle's are four of these."""
    return np.pad(chosen.astype(np.int64), ((1, 0), (1, 0))).cumsum(0).cumsum(1)

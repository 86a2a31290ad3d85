"""Blends overlapping windows into rows, in a buffer that is only as high as one window."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]
_AT_A_TIME = 8  # rows: few enough that they stay in the processor's cache


@dataclass(frozen=True)
class Rows:
    """Rows that no later window touches.

    Attributes:
        top: First row in the raster.
        probabilities: float32 [K, rows, width], 0 where nothing is known.
        known: bool [rows, width], true where a prediction exists.
    """

    top: int
    probabilities: Floats
    known: Mask

    @property
    def height(self) -> int:
        """Number of rows."""
        return int(self.known.shape[0])


class RowAccumulator:
    """Weighted mean of overlapping windows, released row by row.

    The buffer is a ring over the rows of one window: `window` x `width` x (K + 1) float32 values, whatever the
    raster's height.
    """

    def __init__(
        self, classes: int, height: int, width: int, weights: Floats, top: int = 0
    ) -> None:
        """Makes an empty buffer.

        Args:
            classes: K, channels of a prediction.
            height: Rows of the raster.
            width: Columns of the raster.
            weights: Blend weights of a window, float32 [window, window].
            top: First row of the buffer; rows above are not needed.
        """
        self._size = weights.shape[0]
        self._weights = weights
        self._height, self._width = height, width
        self._scores = np.zeros((classes, self._size, width), np.float32)  # [K, window, width]
        self._sums = np.zeros((self._size, width), np.float32)  # [window, width]
        self._top = top

    @property
    def nbytes(self) -> int:
        """Bytes of the buffer."""
        return self._scores.nbytes + self._sums.nbytes

    def add(self, window: Window, probabilities: Floats, keep: Mask) -> None:
        """Adds one window's prediction.

        Args:
            window: Its place; what hangs over the raster is dropped.
            probabilities: float32 [K, window, window].
            keep: bool [window, window], pixels that may be written.

        Raises:
            ValueError: The window reaches above the rows already released, or below the buffer.
        """
        top, left = window.row_off, window.col_off
        rows = min(window.height, self._height - top)
        columns = min(window.width, self._width - left)
        if top < self._top or top + rows > self._top + self._size:
            raise ValueError(
                f"window at row {top}, buffer at {self._top}..{self._top + self._size}"
            )
        weights = self._weights[:rows, :columns] * keep[:rows, :columns]
        across = slice(left, left + columns)
        for source, target in self._pieces(top, rows):
            share = weights[source]
            self._sums[target, across] += share
            self._scores[:, target, across] += probabilities[:, source, :columns] * share

    def release(self, until: int) -> Iterator[Rows]:
        """Yields the rows above `until`, in one or more pieces from top to bottom, and clears them.

        Each piece is a view of the buffer that is cleared when the next one is requested.

        Args:
            until: First row that a later window still touches; the raster's height at the end.
        """
        while self._top < until:
            count = min(until - self._top, self._size)
            for _, place in self._pieces(self._top, count):
                scores, sums = self._scores[:, place], self._sums[place]
                known = sums > 0
                # Where a small extent of a large raster was asked for, most rows are empty: skip the arithmetic.
                touched = bool(known.any())
                for row in range(0, len(sums) if touched else 0, _AT_A_TIME):
                    part = slice(row, row + _AT_A_TIME)
                    # `where` is slow, so it is passed only where some pixel is unknown.
                    where = True if known[part].all() else known[part]
                    np.divide(scores[:, part], sums[part], out=scores[:, part], where=where)
                yield Rows(self._top, scores, known)
                if touched:
                    scores[...] = 0
                    sums[...] = 0
                self._top += known.shape[0]

    def _pieces(self, top: int, rows: int) -> Iterator[tuple[slice, slice]]:
        """Where `rows` rows from `top` lie in the ring: (slice of the rows, slice of the buffer), one or two."""
        start = top % self._size
        first = min(rows, self._size - start)
        yield slice(0, first), slice(start, start + first)
        if first < rows:
            yield slice(first, rows), slice(0, rows - first)

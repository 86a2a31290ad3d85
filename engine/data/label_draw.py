"""Collects labelled pixels piece by piece, and keeps a random sample if there are too many."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Columns = tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]


class Draw:
    """Keeps a random sample of each class if there are too many pixels.

    Every pixel gets a random number, and those with the lowest numbers of each class are kept. As a
    class's quota only shrinks while pixels are added, one pass suffices and the sample is unbiased.

    Attributes:
        totals: Number of added pixels of each class [K].
    """

    def __init__(self, classes: int, limit: int, seed: int) -> None:
        """Starts without pixels.

        Args:
            classes: Number of classes K.
            limit: Most pixels to keep; of each class at least one is kept.
            seed: Seed of the draw.
        """
        self.totals = np.zeros(classes, np.int64)
        self._limit = limit
        self._ceiling = np.ones(classes)  # pixels with higher numbers cannot be kept
        self._random = np.random.default_rng(seed)
        self._pieces: list[tuple[NDArray[Any], ...]] = []
        self._held = 0

    def add(
        self, row: NDArray[Any], column: NDArray[Any], label: NDArray[Any], unit: NDArray[Any]
    ) -> None:
        """Adds pixels, all arrays [n]."""
        self.totals += np.bincount(label, minlength=len(self.totals))
        pixels = (row, column, label, unit, self._random.random(len(row)))
        low = pixels[4] <= self._ceiling[label]
        self._pieces.append(tuple(values[low] for values in pixels))
        self._held += int(low.sum())
        if self._held > 2 * self._limit:
            self._prune()

    def take(self) -> Columns:
        """Row, column, label and unit of the kept pixels, sorted by row and column."""
        if self.totals.sum() > self._limit:
            self._prune()
        row, column, label, unit, _ = self._joined()
        order = np.lexsort((column, row))
        return row[order], column[order], label[order], unit[order]

    def _prune(self) -> None:
        pixels = self._joined()
        label, number = pixels[2], pixels[4]
        quota = np.minimum(self.totals, level(self.totals, self._limit))
        order = np.lexsort((number, label))  # by class, then by number
        starts = np.searchsorted(label[order], np.arange(len(self.totals)))
        rank = np.arange(len(order)) - starts[label[order]]
        keep = order[rank < quota[label[order]]]
        full = order[rank == quota[label[order]] - 1]  # the last kept pixel of each class
        self._ceiling[label[full]] = number[full]
        self._ceiling[self.totals <= quota] = 1
        self._pieces = [tuple(values[keep] for values in pixels)]
        self._held = len(keep)

    def _joined(self) -> tuple[NDArray[Any], ...]:
        if not self._pieces:
            return tuple(np.zeros(0, np.int64) for _ in range(5))
        return tuple(np.concatenate(columns) for columns in zip(*self._pieces))


def level(totals: NDArray[np.int64], limit: int) -> int:
    """The most pixels of a class that may be kept so that all classes together keep at most `limit`.

    Small classes are kept whole, and the rest of the limit is shared equally among the others.
    """
    left = limit
    ascending = np.sort(totals)
    for place, count in enumerate(ascending):
        share = left // (len(ascending) - place)
        if count > share:
            return max(share, 1)
        left -= int(count)
    return int(ascending[-1]) if len(ascending) else 0

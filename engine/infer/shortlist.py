"""Chooses the places to label: the most uncertain ones, spread over the ground and over pairs of classes.

The most uncertain places of a scene tend to lie side by side and to waver between the same two classes: labelling all
of them would teach the same thing many times. A batch must be diverse as well as uncertain (Brinker 2003; for remote
sensing Demir and others 2011), so places keep a distance, and no pair of classes takes more than its share.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .places import PlaceGrid, PlaceRow

LEAST_APART = 2  # in places: at least one place lies between two chosen ones
LEAST_KNOWN = 0.5  # share of a place's pixels that must be valid
PAIR_SHARE = 0.5  # largest share of one pair of classes, while there are others
_BLOCKS_ACROSS = 8  # blocks along the spacing that evenly spread places would have


@dataclass(frozen=True)
class Place:
    """A place that may be labelled.

    Attributes:
        row: In the grid of places.
        column: In the grid of places.
        uncertainty: 0..1.
        first: Most probable class, its index.
        second: Second class, its index.
        first_probability: Mean probability of the first class.
        second_probability: Mean probability of the second class.
    """

    row: int
    column: int
    uncertainty: float
    first: int
    second: int
    first_probability: float
    second_probability: float

    @property
    def pair(self) -> tuple[int, int]:
        """The two classes in ascending order."""
        return min(self.first, self.second), max(self.first, self.second)


class Shortlist:
    """The most uncertain place of every block of places and pair of classes.

    There are some 64 blocks for each place wanted, so memory does not grow with the raster; in a small raster each
    place is a block of its own.
    """

    def __init__(self, places: PlaceGrid, count: int) -> None:
        """Starts empty.

        Args:
            places: The squares.
            count: Number of places to find.
        """
        evenly = math.sqrt(places.rows * places.columns / count)
        self.distance = max(float(LEAST_APART), evenly / 2)
        self._block = max(1, int(evenly / _BLOCKS_ACROSS))
        self._count = count
        self._best: dict[tuple[int, int, int, int], Place] = {}

    def add(self, row: PlaceRow, labelled: NDArray[np.bool_]) -> None:
        """Considers a row of places.

        Args:
            row: The row.
            labelled: Places that have labels already [columns].
        """
        columns = np.flatnonzero((row.known >= LEAST_KNOWN) & np.logical_not(labelled))
        if not len(columns):
            return
        columns = columns[np.argsort(-row.uncertainty[columns], kind="stable")]
        first, second = np.argsort(-row.probabilities[:, columns], axis=0, kind="stable")[:2]
        low, high = np.minimum(first, second), np.maximum(first, second)
        # Columns are in order of uncertainty, so the first index of each block and pair is its most uncertain.
        keys = np.stack([columns // self._block, low, high])
        for index in np.unique(keys, axis=1, return_index=True)[1]:
            column = int(columns[index])
            place = Place(
                row.row,
                column,
                float(row.uncertainty[column]),
                int(first[index]),
                int(second[index]),
                float(row.probabilities[first[index], column]),
                float(row.probabilities[second[index], column]),
            )
            key = (row.row // self._block, column // self._block, *place.pair)
            if key not in self._best or self._best[key].uncertainty < place.uncertainty:
                self._best[key] = place

    def chosen(self) -> list[Place]:
        """The places to label, the most uncertain one first; fewer than wanted when there is no room for more.

        Greedy: takes the most uncertain place that keeps its distance from those chosen before. Where that yields too
        few, as in a small mask, the distance is halved down to `LEAST_APART`, then the limit of a pair is lifted.
        """
        places = sorted(
            self._best.values(), key=lambda place: (-place.uncertainty, place.row, place.column)
        )
        rows = np.array([place.row for place in places], np.int64)
        columns = np.array([place.column for place in places], np.int64)
        pairs = {pair: number for number, pair in enumerate({place.pair for place in places})}
        pair = np.array([pairs[place.pair] for place in places], np.int64)
        used = np.zeros(max(1, len(pairs)), np.int64)
        gap = np.full(len(places), np.inf)  # to the nearest chosen place
        chosen: list[int] = []
        for most in (math.ceil(self._count * PAIR_SHARE), self._count):
            for distance in _halvings(self.distance):
                while len(chosen) < self._count:
                    free = (gap >= distance) & (used[pair] < most)
                    if not free.any():
                        break
                    best = int(free.argmax())
                    chosen.append(best)
                    used[pair[best]] += 1
                    away = np.maximum(abs(rows - rows[best]), abs(columns - columns[best]))
                    gap = np.minimum(gap, away)
        return [places[index] for index in sorted(chosen)]


def _halvings(distance: float) -> Iterator[float]:
    while distance > LEAST_APART:
        yield distance
        distance /= 2
    yield float(LEAST_APART)

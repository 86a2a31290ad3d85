"""Joins groups of pixels that lie close to each other."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .components import components

_CELLS = 4  # cells per distance; more are finer, but have more neighbours
_PAIRS = 2**21  # pairs of pixels whose distances are computed at once


def join_near(
    row: NDArray[Any],
    column: NDArray[Any],
    group: NDArray[Any],
    distance: float,
    raster: NDArray[Any],
) -> NDArray[np.int64]:
    """Joins groups with pixels closer to each other than a distance, directly or through other groups.

    Pixels are sorted into cells a quarter of the distance wide. The positions of two cells mostly
    decide whether they are near; only if they do not, the distances of their pixels are computed.

    Args:
        row: Row of each pixel [N].
        column: Column of each pixel [N].
        group: Number of its group, 0..G-1 [N].
        distance: Distance between pixel centres, pixels.
        raster: Number of its raster, from 0 [N]; pixels of different rasters are never near.

    Returns:
        The smallest group among those that each group is joined with [G].
    """
    count = int(group.max()) + 1 if len(group) else 0
    joined = np.arange(count)
    if distance <= 0 or count < 2:
        return joined
    side = max(1, int(distance) // _CELLS)
    reach = math.ceil(distance / side) + 1
    cell_row, cell_column = (row - row.min()) // side, (column - column.min()) // side
    # Padding keeps neighbours from wrapping to another row or raster.
    wide = int(cell_column.max()) + 2 * reach + 1
    tall = int(cell_row.max()) + 2 * reach + 1
    keys = (raster.astype(np.int64) * tall + cell_row) * wide + cell_column
    order = np.argsort(keys, kind="stable")
    row, column, group, keys = row[order], column[order], group[order], keys[order]
    cells, starts = np.unique(keys, return_index=True)
    ends = np.append(starts[1:], len(keys))
    same = keys[1:] == keys[:-1]  # pixels of one cell are near: it is smaller than the distance
    ones, others = [group[:-1][same]], [group[1:][same]]
    uncertain = []
    for down, right in _neighbours(reach):
        if math.hypot((down + 1) * side - 1, (abs(right) + 1) * side - 1) < distance:
            one, other = _at(cells, down * wide + right)
            ones.append(group[starts[one]])
            others.append(group[starts[other]])
        elif math.hypot(_gap(down, side), _gap(right, side)) < distance:
            uncertain.append(down * wide + right)
    joined = components(count, np.concatenate(ones), np.concatenate(others))
    for offset in uncertain:
        one, other = _at(cells, offset)
        apart = joined[group[starts[one]]] != joined[group[starts[other]]]
        one, other = one[apart], other[apart]
        near = np.zeros(len(one), bool)
        for pair, first, second in _products(starts, ends, one, other):
            squared = (row[first] - row[second]) ** 2 + (column[first] - column[second]) ** 2
            near[pair[squared < distance**2]] = True
        if near.any():
            ends_of = joined[group[starts[one[near]]]], joined[group[starts[other[near]]]]
            joined = components(count, *ends_of)[joined]
    return joined


def _neighbours(reach: int) -> Iterator[tuple[int, int]]:
    """Offsets of neighbouring cells, each direction once: rows down, columns right."""
    for down in range(reach + 1):
        for right in range(-reach if down else 1, reach + 1):
            yield down, right


def _gap(cells: int, side: int) -> int:
    """The smallest distance along one axis between pixels that are so many cells apart."""
    return max(0, (abs(cells) - 1) * side + 1) if cells else 0


def _at(cells: NDArray[Any], offset: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Indices of the cells that have a neighbour at an offset, and of these neighbours."""
    place = np.searchsorted(cells, cells + offset).clip(max=len(cells) - 1)
    one = np.flatnonzero(cells[place] == cells + offset)
    return one, place[one]


def _products(
    starts: NDArray[Any], ends: NDArray[Any], one: NDArray[Any], other: NDArray[Any]
) -> Iterator[tuple[NDArray[Any], NDArray[Any], NDArray[Any]]]:
    """Yields all pixel pairs of pairs of cells in pieces: number of the cell pair, first pixel, second pixel."""
    first, second = ends[one] - starts[one], ends[other] - starts[other]
    until = np.cumsum(first * second)
    begin = 0
    while begin < len(one):
        done = until[begin - 1] if begin else 0
        stop = max(begin + 1, int(np.searchsorted(until, done + _PAIRS)))
        sizes = (first * second)[begin:stop]
        pair = np.repeat(np.arange(begin, stop), sizes)
        inside = np.arange(len(pair)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        yield (
            pair,
            starts[one[pair]] + inside // second[pair],
            starts[other[pair]] + inside % second[pair],
        )
        begin = stop

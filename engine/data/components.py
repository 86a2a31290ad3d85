"""Connected components: of a graph, and of equal values in an array."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def components(count: int, one: NDArray[Any], other: NDArray[Any]) -> NDArray[np.int64]:
    """Numbers the connected components of a graph.

    Args:
        count: Number of nodes; they are numbered 0..count-1.
        one: First node of each edge [E].
        other: Second node of each edge [E].

    Returns:
        The smallest node of each node's component [count].
    """
    root = np.arange(count)
    one, other = np.asarray(one, np.int64), np.asarray(other, np.int64)
    while len(one):
        one, other = root[one], root[other]
        apart = one != other
        one, other = one[apart], other[apart]
        # Hook every root to its smallest neighbour, then compress the paths to the new roots.
        np.minimum.at(root, np.maximum(one, other), np.minimum(one, other))
        while True:
            above = root[root]
            if np.array_equal(above, root):
                break
            root = above
    return root


def regions(values: NDArray[Any], empty: int) -> NDArray[np.int64]:
    """Numbers the regions of equal values whose pixels share sides (4-connected).

    Args:
        values: Values of the pixels [rows, columns].
        empty: Value of pixels that belong to no region.

    Returns:
        Number of the region of each pixel [rows, columns], -1 where empty; the numbers are not consecutive.
    """
    starts = np.ones(values.shape, bool)
    starts[:, 1:] = values[:, 1:] != values[:, :-1]
    run = np.cumsum(starts).reshape(values.shape) - 1  # runs within a row, [rows, columns]
    touching = (values[1:] == values[:-1]) & (values[1:] != empty)
    # Join each pair of touching runs only once, at their first common column.
    first = starts[1:] | starts[:-1]
    upper, lower = run[:-1][touching & first], run[1:][touching & first]
    total = int(run[-1, -1]) + 1 if run.size else 0
    number: NDArray[np.int64] = components(total, upper, lower)[run]
    number[values == empty] = -1
    return number

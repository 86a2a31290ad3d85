"""Connected components of graphs and arrays."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from engine.data.components import components, regions


def test_components():
    """0-3-1 hang together, 2 is alone, 4-5."""
    assert components(6, np.array([3, 1, 5]), np.array([0, 3, 4])).tolist() == [0, 0, 2, 0, 4, 4]
    assert components(2, np.array([], int), np.array([], int)).tolist() == [0, 1]


def test_a_long_chain_in_any_order():
    order = np.random.default_rng(0).permutation(10_000)
    assert not components(10_000, order[:-1], order[1:]).any()


def test_regions():
    """Corners do not join: the two pixels of class 1 below right are a region of their own."""
    values = np.array([[1, 1, 9], [1, 2, 1], [9, 2, 1]])
    assert regions(values, 9).tolist() == [[0, 0, -1], [0, 3, 4], [-1, 3, 4]]


@settings(max_examples=100, deadline=None)
@given(arrays(np.uint8, (5, 7), elements=st.integers(0, 2)))
def test_regions_are_those_of_a_flood(values):
    number, seen = regions(values, 0), np.zeros(values.shape, bool)
    assert ((number == -1) == (values == 0)).all()
    found = []
    for start in zip(*np.nonzero(values)):
        if seen[start]:
            continue
        flood, stack = set(), [tuple(map(int, start))]
        while stack:
            row, column = stack.pop()
            inside = 0 <= row < 5 and 0 <= column < 7
            if inside and (row, column) not in flood and values[row, column] == values[start]:
                flood.add((row, column))
                stack += [
                    (row + 1, column),
                    (row - 1, column),
                    (row, column + 1),
                    (row, column - 1),
                ]
        for place in flood:
            seen[place] = True
        assert len({number[place] for place in flood}) == 1
        found.append(number[start])
    assert len(set(found)) == len(found)

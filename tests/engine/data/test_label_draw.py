"""A fair draw of labelled pixels in one pass."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.data.label_draw import Draw, level


@pytest.mark.parametrize(
    ("totals", "limit", "most"),
    [([10, 10], 100, 10), ([3, 50, 90], 43, 20), ([100, 100], 100, 50), ([5, 5, 5], 1, 1)],
)
def test_level(totals, limit, most):
    """3 stay whole; the other two share the 40 that are left."""
    assert level(np.array(totals), limit) == most


def pixels(label):
    """Pixel n at row n, column n + 1, of unit n + 2."""
    place = np.arange(len(label))
    return place, place + 1, np.asarray(label, np.uint8), place + 2


@settings(max_examples=100, deadline=None)
@example([0, 0, 0, 0, 0, 0, 1, 1, 2, 0], 4)  # what is kept fits the limit, but is not even
@given(st.lists(st.integers(0, 2), min_size=1, max_size=200), st.integers(3, 60))
def test_no_more_than_the_limit_and_small_classes_whole(label, limit):
    draw = Draw(3, limit, seed=1)
    for part in np.array_split(np.array(pixels(label)), 7, axis=1):
        draw.add(part[0], part[1], part[2].astype(np.uint8), part[3])
    row, column, kept, unit = draw.take()
    totals = np.bincount(label, minlength=3)
    assert draw.totals.tolist() == totals.tolist()
    counts = np.bincount(kept, minlength=3)
    assert counts.tolist() == np.minimum(totals, level(totals, limit)).tolist()
    assert counts.sum() <= limit
    assert (np.diff(row) > 0).all() and (column == row + 1).all() and (unit == row + 2).all()
    assert (kept == np.array(label)[row]).all()


def test_every_pixel_has_the_same_chance():
    """A tenth of 100 pixels, 500 times: each comes 50 times, sd 6.7, wherever it lies."""
    hits = np.zeros(100, int)
    for seed in range(500):
        draw = Draw(1, 10, seed)
        for part in np.array_split(np.arange(100), 9):
            draw.add(part, part, np.zeros(len(part), np.uint8), part)
        hits[draw.take()[0]] += 1
    assert hits.sum() == 5000 and hits.min() > 20 and hits.max() < 80


def test_nothing():
    assert [len(values) for values in Draw(2, 10, 0).take()] == [0, 0, 0, 0]

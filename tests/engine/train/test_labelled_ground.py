"""Windows around labelled pixels, and fewer of the pixels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data.label_layer import LabelledPixels
from engine.train.labelled_ground import LabelledGround, only, thin, thin_grounds


def pixels(row, column=None, label=None, unit=None):
    row = np.asarray(row, np.int64)
    zeros = np.zeros(len(row), np.int64)
    column, label, unit = (zeros if v is None else np.asarray(v) for v in (column, label, unit))
    return LabelledPixels(
        row, column.astype(np.int64), label.astype(np.uint8), unit.astype(np.int32)
    )


def nothing(window):
    raise AssertionError("windows are laid without reading")


@st.composite
def labelled(draw):
    height, width = draw(st.integers(1, 200)), draw(st.integers(1, 200))
    places = draw(
        st.lists(
            st.tuples(st.integers(0, height - 1), st.integers(0, width - 1)),
            max_size=40,
            unique=True,
        )
    )
    return height, width, sorted(places), draw(st.integers(4, 64))


@given(labelled())
@settings(deadline=None, max_examples=200)
def test_every_labelled_pixel_lies_in_one_window(case):
    height, width, places, size = case
    rows, columns = np.array(places, np.int64).reshape(-1, 2).T
    ground = LabelledGround(nothing, (height, width), pixels(rows, columns))
    seen = np.zeros(len(places), int)
    corners = set()
    for window, indices in ground.windows(size):
        seen[indices] += 1
        assert len(indices) and (window.width, window.height) == (size, size)
        inside = rows[indices] - window.row_off, columns[indices] - window.col_off
        assert all((v >= 0).all() and (v < size).all() for v in inside)
        # Overhangs only where the raster is smaller than the window.
        assert 0 <= window.row_off <= max(0, height - size)
        assert 0 <= window.col_off <= max(0, width - size)
        corners.add((window.row_off, window.col_off))
    assert (seen == 1).all()
    assert len(corners) == sum(1 for _ in ground.windows(size))


def test_a_pixel_belongs_to_the_window_whose_middle_is_nearest():
    """100 pixels, windows of 32: they start at 0, 24, 48, 68, with middles 16, 40, 64, 84."""
    rows = [0, 27, 28, 51, 52, 73, 74, 99]
    ground = LabelledGround(nothing, (100, 32), pixels(rows))
    found = {int(w.row_off): [rows[i] for i in indices] for w, indices in ground.windows(32)}
    assert found == {0: [0, 27], 24: [28, 51], 48: [52, 73], 68: [74, 99]}


def test_small_classes_stay_whole_and_polygons_share_alike():
    """Class 0: 10 pixels; class 1: a polygon of 90 and one of 10. Of 30, each gets 10 and 10 + 10."""
    label = np.repeat([0, 1], [10, 100])
    unit = np.repeat([0, 1, 2], [10, 90, 10])
    whole = pixels(np.arange(110), label=label, unit=unit)
    kept = thin(whole, 30, seed=1)
    assert np.bincount(kept.unit).tolist() == [10, 10, 10]
    assert (kept.label == label[kept.row]).all() and (kept.unit == unit[kept.row]).all()
    assert (np.diff(kept.row) > 0).all()  # the order of the pixels stays
    again, other = thin(whole, 30, seed=1), thin(whole, 30, seed=2)
    assert (again.row == kept.row).all()
    assert (other.row != kept.row).any()


def test_few_pixels_are_all_kept():
    whole = pixels([1, 2, 3], label=[0, 1, 1])
    assert thin(whole, 3, seed=0) is whole


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 9)), min_size=1, max_size=80),
    st.integers(5, 100),
)
@settings(deadline=None)
def test_thinned_there_are_as_many_as_asked_and_every_class_is_left(owned, most):
    label, unit = np.array(owned).T
    kept = thin(pixels(np.arange(len(owned)), label=label, unit=unit), most, seed=0)
    assert len(kept) == min(most, len(owned))
    assert set(kept.label.tolist()) == set(label.tolist())


@pytest.mark.parametrize("chosen", [np.array([True, False, True]), np.array([0, 2])])
def test_only_some(chosen):
    found = only(pixels([3, 4, 5], [6, 7, 8], [0, 1, 2], [7, 8, 9]), chosen)
    assert found.row.tolist() == [3, 5]
    assert found.column.tolist() == [6, 8]
    assert found.label.tolist() == [0, 2]
    assert found.unit.tolist() == [7, 9]


def test_thinned_together_a_class_of_one_ground_only_stays():
    """A thousand pixels of class 0 on one ground, two of class 1 on the other."""
    many = LabelledGround(nothing, (1000, 1), pixels(np.arange(1000), unit=np.arange(1000) // 10))
    few = LabelledGround(nothing, (9, 1), pixels([3, 4, 5], label=[1, 0, 1], unit=[7, 8, 9]), 1)
    kept = thin_grounds([many, few], 10, seed=0)
    assert sum(len(ground.pixels) for ground in kept) == 10
    assert [ground.place for ground in kept] == [0, 1]
    labels = kept[1].pixels.label
    assert (labels == 1).sum() == 2
    assert kept[1].pixels.row[labels == 1].tolist() == [3, 5]
    assert thin_grounds([many, few], 1003, seed=0) == [many, few]


def test_a_ground_of_which_nothing_is_left_is_left_out():
    grounds = [LabelledGround(nothing, (9, 1), pixels([k]), k) for k in range(3)]
    assert len(thin_grounds(grounds, 2, seed=0)) == 2


def test_labels_on_data():
    """Every row below 50 is no-data."""

    def read(window):
        row = np.arange(window.row_off, window.row_off + window.height)
        return {}, np.repeat((row < 50)[:, None], window.width, 1)

    ground = LabelledGround(read, (100, 32), pixels([3, 49, 50, 99], unit=[1, 2, 3, 4]), 7)
    found = ground.on_data(32)
    assert found.pixels.row.tolist() == [3, 49]
    assert found.pixels.unit.tolist() == [1, 2]
    assert (found.place, found.shape) == (7, (100, 32))
    assert len(LabelledGround(read, (100, 32), pixels([60])).on_data(32).pixels) == 0

"""Labels are held back by whole blocks, far from those that are learned from."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data.blocks import Positions, hold_out, spatial_blocks, spatial_folds
from engine.errors import LabelsInvalid


def squares(*corners, side=3):
    """Row, column and unit of squares given by their (row, column)."""
    inner = np.arange(side)
    row = np.concatenate([np.repeat(inner + top, side) for top, _ in corners])
    column = np.concatenate([np.tile(inner + left, side) for _, left in corners])
    return row, column, np.repeat(np.arange(len(corners)), side * side)


def nearest(row, column, one, other):
    """Least distance between two sets of pixels."""
    down = row[one][:, None] - row[other][None]
    right = column[one][:, None] - column[other][None]
    return np.hypot(down, right).min() if down.size else np.inf


@pytest.mark.parametrize(("distance", "blocks"), [(8, 2), (8.5, 1), (0, 2), (16, 1)])
def test_units_at_the_distance_are_apart(distance, blocks):
    """Columns 0..2 and 10..12: the nearest centres are 8 apart, which is not closer than 8."""
    row, column, unit = squares((0, 0), (0, 10))
    assert spatial_blocks(Positions(row, column, unit), distance).max() + 1 == blocks


def test_a_chain_is_one_block_and_rasters_are_apart():
    row, column, unit = squares((0, 0), (0, 10), (0, 20), (0, 60))
    assert spatial_blocks(Positions(row, column, unit), 9)[::9].tolist() == [0, 0, 0, 1]
    raster = np.where(unit == 1, 1, 0)
    assert spatial_blocks(Positions(row, column, unit, raster), 9)[::9].tolist() == [0, 1, 2, 3]


def test_a_unit_on_two_rasters_is_one_block():
    """The same polygon on the pictures of two dates: the same ground."""
    row, column, unit = squares((0, 0), (50, 50))
    raster = np.repeat([0, 1], len(row))
    both = [np.tile(values, 2) for values in (row, column, unit)]
    assert spatial_blocks(Positions(*both, raster), 9)[::9].tolist() == [0, 1, 0, 1]


places = st.lists(
    st.tuples(st.integers(0, 90), st.integers(0, 90), st.integers(0, 2), st.integers(0, 1)),
    min_size=1,
    max_size=40,
)


@settings(max_examples=150, deadline=None)
@given(places, st.sampled_from([0, 1, 2, 3, 5, 7.5, 8, 13, 16, 30]))
def test_blocks_are_those_of_all_pairs(points, distance):
    """Against the definition: units with a pair of pixels closer than the distance hang together."""
    row, column, _, raster = np.array(points).T
    unit = np.arange(len(row)) // 2
    number = list(range(unit.max() + 1))
    for i in range(len(row)):
        for j in range(i):
            close = np.hypot(row[i] - row[j], column[i] - column[j]) < distance
            if close and raster[i] == raster[j]:
                low, high = sorted((number[unit[i]], number[unit[j]]))
                number = [low if value == high else value for value in number]
    expected = np.unique([number[k] for k in unit], return_inverse=True)[1]
    found = spatial_blocks(Positions(row, column, unit, raster), distance)
    assert found.tolist() == expected.tolist()


@settings(max_examples=150, deadline=None)
@given(places, st.integers(0, 3), st.sampled_from([0.1, 0.2, 0.5]), st.integers(2, 30))
def test_hold_out_promises(points, seed, share, distance):
    row, column, label, raster = np.array(points).T
    unit = np.arange(len(row))
    given_ = (Positions(row, column, unit, raster), label)
    options = {"share": share, "distance": distance, "seed": seed}
    split = hold_out(*given_, **options)
    again = hold_out(*given_, **options)
    assert (split.validation == again.validation).all() and split.warning == again.warning
    for number in (0, 1):
        here = raster == number
        held, kept = here & split.validation, here & ~split.validation
        assert nearest(row, column, held, kept) >= distance
    assert set(label[~split.validation]) == set(label)
    judged = set(label[split.validation])
    assert len(judged) >= 2 or not split.validation.any()
    assert bool(split.warning) == (judged != set(label))


def test_share_of_each_class_as_near_as_blocks_allow():
    """Two classes of ten equal squares each: two of each are a fifth."""
    row, column, unit = squares(*((40 * k, 0) for k in range(20)))
    label = unit % 2
    split = hold_out(Positions(row, column, unit), label, share=0.2, distance=16)
    assert split.blocks == 20 and split.warning == ""
    assert [int(split.validation[label == k].sum()) for k in (0, 1)] == [18, 18]
    other = hold_out(Positions(row, column, unit), label, share=0.2, distance=16, seed=1)
    assert (split.validation != other.validation).any()


def test_the_smaller_of_two_blocks_is_held_back():
    """One square of nine pixels, and a strip of three beside it: the nine teach."""
    row, column, unit = squares((0, 0), (0, 50), (0, 100), (0, 150))
    keep = (unit % 2 == 0) | (row == 0)
    row, column, unit = row[keep], column[keep], unit[keep]
    split = hold_out(Positions(row, column, unit), unit // 2)
    assert set(unit[split.validation]) == {1, 3}


def test_class_in_one_place_is_named():
    row, column, unit = squares((0, 0), (0, 50), (0, 100), (0, 150), (0, 200))
    label = np.array([0, 0, 1, 1, 2])[unit]
    split = hold_out(Positions(row, column, unit), label, names=("Water", "Trees", "Bog"))
    assert set(label[split.validation]) == {0, 1}
    assert split.warning.startswith(
        "The accuracy of these classes cannot be assessed: Bog. All labels"
    )
    assert "closer than 16 pixels" in split.warning
    assert split.warning.endswith("Label a second place for each class, further away.")


def test_nothing_is_held_back_where_two_classes_cannot_be_judged():
    row, column, unit = squares((0, 0), (0, 50), (0, 100))
    split = hold_out(
        Positions(row, column, unit), np.array([0, 0, 1])[unit], names=("Water", "Trees")
    )
    assert not split.validation.any() and split.blocks == 3
    assert split.warning.startswith("No labels could be held")
    assert "more than 16 pixels apart" in split.warning
    assert "Label a second place for Trees." in split.warning
    unnamed = hold_out(Positions(row, column, unit), np.array([0, 0, 1])[unit])
    assert "Label a second place for class 2." in unnamed.warning


def test_no_share_is_no_warning():
    row, column, unit = squares((0, 0), (0, 50))
    split = hold_out(Positions(row, column, unit), unit, share=0)
    assert not split.validation.any() and split.warning == "" and split.blocks == 2


def test_very_many_points():
    """30 000 lone points, ten classes: bundled, every share within a point in a hundred."""
    row, column = (values.ravel() for values in np.mgrid[0:150, 0:200] * 20)
    unit = np.arange(len(row))
    label = np.random.default_rng(0).integers(0, 10, len(row))
    split = hold_out(Positions(row, column, unit), label, share=0.2, distance=16)
    assert split.blocks == 30_000
    shares = [split.validation[label == k].mean() for k in range(10)]
    assert np.allclose(shares, 0.2, atol=0.01)


@settings(max_examples=60, deadline=None)
@given(places, st.integers(2, 4), st.integers(0, 3))
def test_folds_keep_blocks_whole(points, folds, seed):
    row, column, label, raster = np.array(points).T
    unit = np.arange(len(row))
    block = spatial_blocks(Positions(row, column, unit, raster), 10)
    options = {"distance": 10, "seed": seed}
    if block.max() + 1 < folds:
        with pytest.raises(LabelsInvalid, match="are needed, one for each"):
            spatial_folds(Positions(row, column, unit, raster), label, folds, **options)
        return
    fold = spatial_folds(Positions(row, column, unit, raster), label, folds, **options)
    assert set(fold) == set(range(folds))
    assert all(len(set(fold[block == number])) == 1 for number in range(block.max() + 1))
    assert (
        fold == spatial_folds(Positions(row, column, unit, raster), label, folds, **options)
    ).all()


@pytest.mark.parametrize("distance", [3, 7.5, 16])
def test_labels_that_cover_the_ground_are_cut(distance):
    """200 x 200 pixels, two classes in stripes: one block, cut into squares with a strip around."""
    row, column = (values.ravel() for values in np.mgrid[0:200, 0:200])
    label, unit = row // 10 % 2, row // 10
    whole = hold_out(Positions(row, column, unit), label, distance=distance)
    assert not whole.validation.any() and whole.unused is None
    split = hold_out(Positions(row, column, unit), label, distance=distance, cut=True)
    held, unused = split.validation, split.unused
    assert not (held & unused).any() and "They were divided into squares" in split.warning
    assert f"and {unused.sum()} labelled pixels" in split.warning
    rest = np.zeros((200, 200), bool)
    rest[row, column] = ~held & ~unused
    for near_row, near_column in zip(row[held][::7], column[held][::7]):
        window = rest[
            max(0, near_row - 16) : near_row + 17, max(0, near_column - 16) : near_column + 17
        ]
        down, right = np.nonzero(window)
        down, right = down + max(0, near_row - 16), right + max(0, near_column - 16)
        assert (np.hypot(down - near_row, right - near_column) >= distance).all()
    assert all(0 < held[label == k].mean() < 0.4 for k in (0, 1))
    assert set(label[rest[row, column]]) == {0, 1}


def test_blocks_so_large_that_a_class_would_have_little_to_learn_from_are_cut():
    """Two blocks of 200 x 100 pixels, each with nine tenths of a class: either would take them."""
    row, column = (values.ravel() for values in np.mgrid[0:200, 0:200])
    column = np.where(column < 100, column, column + 40)
    label = ((column > 100) ^ (row % 100 < 10)).astype(int)
    at = Positions(row, column, row // 10 * 2 + (column > 100))
    whole = hold_out(at, label)
    assert max(whole.validation[label == k].mean() for k in (0, 1)) > 0.8
    split = hold_out(at, label, cut=True)
    assert "They were divided into squares" in split.warning
    learned = ~split.validation & ~split.unused
    assert all(learned[label == k].mean() > 0.5 for k in (0, 1))
    assert set(label[split.validation]) == {0, 1}


def test_too_little_ground_to_cut():
    row, column, unit = squares((0, 0), (0, 4))
    split = hold_out(Positions(row, column, unit), unit, cut=True)
    assert not split.validation.any() and split.warning.startswith("No labels could be held")


def test_folds_have_the_same_of_every_class():
    """Five squares of each of two classes to five folds: one of each in each."""
    row, column, unit = squares(*((40 * k, 0) for k in range(10)))
    fold = spatial_folds(Positions(row, column, unit), unit % 2, 5, distance=16)
    table = np.zeros((5, 2), int)
    np.add.at(table, (fold, unit % 2), 1)
    assert (table == 9).all()


def test_too_few_places_for_the_folds():
    row, column, unit = squares((0, 0), (0, 50))
    with pytest.raises(LabelsInvalid) as caught:
        spatial_folds(Positions(row, column, unit), unit, 5, distance=16)
    assert "lie in 2 separate places (more than 16 pixels apart)" in caught.value.message
    assert "at least 5" in caught.value.message

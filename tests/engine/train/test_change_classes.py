"""Which of two labels is change."""

import numpy as np
import pytest

from engine.cards import ModelClass
from engine.data.label_layer import LabelledPixels
from engine.errors import LabelsInvalid
from engine.train.change_classes import change_classes, swap


def classes(*titles):
    return tuple(
        ModelClass(k, title.lower(), title, f"#00000{k}") for k, title in enumerate(titles, 1)
    )


@pytest.mark.parametrize(
    ("labels", "swapped"),
    [
        (("0", "1"), False),
        (("1", "2"), False),
        (("-1", "1"), False),
        (("2", "1"), True),
        (("changed", "unchanged"), True),  # the order of the alphabet
        (("Change", "No change"), True),
        (("No Change", "Yes Change"), False),
        (("no", "yes"), False),
        (("false", "true"), False),
        (("stable", "quarry"), False),
        (("quarry", "stable"), True),
        (("gain", "forest"), True),
    ],
)
def test_unchanged_becomes_0_and_changed_1(labels, swapped):
    (first, second), found = change_classes(classes(*labels), labels)
    assert found is swapped
    assert (first.value, first.name) == (0, "unchanged")
    assert (second.value, second.name) == (1, "changed")
    # Titles and colours stay those of the layer.
    ordered = labels[::-1] if swapped else labels
    assert (first.title, second.title) == ordered
    assert (first.color, second.color) == (
        ("#000002", "#000001") if swapped else ("#000001", "#000002")
    )


def test_not_two_classes():
    with pytest.raises(LabelsInvalid, match=r"labels have 3 \(a, b, c\)\. Merge them into two"):
        change_classes(classes("a", "b", "c"), ("a", "b", "c"))


def test_no_guess_which_one_is_change():
    with pytest.raises(LabelsInvalid, match=r"'forest' and 'meadow'.*Name them 'unchanged'"):
        change_classes(classes("forest", "meadow"), ("forest", "meadow"))


def test_exchanged_labels():
    pixels = LabelledPixels(
        *np.zeros((2, 3), np.int64), np.array([0, 1, 1], np.uint8), np.arange(3)
    )
    found = swap(pixels)
    assert found.label.tolist() == [1, 0, 0]
    assert found.label.dtype == np.uint8
    assert found.row is pixels.row

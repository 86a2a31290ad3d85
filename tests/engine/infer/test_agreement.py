import numpy as np
import pytest

from engine.infer.agreement import Agreement, agreement


def window(*pixels):
    """One window [1, K, 1, n] of pixels given as their probabilities."""
    return np.array(pixels, np.float32).T[None, :, None, :]


def test_the_same_agrees():
    scores = [window((0.9, 0.1), (0.2, 0.8)), window((0.6, 0.4))]
    assert agreement(scores, scores) == Agreement(same=1.0, area=0.0, confidence=0.0, margin=0.0)


def test_figures_of_four_pixels_one_of_which_flips():
    reference = [window((0.9, 0.1), (0.2, 0.8)), window((0.52, 0.48), (0.3, 0.7))]
    given = [window((0.9, 0.1), (0.2, 0.8)), window((0.49, 0.51), (0.3, 0.7))]
    found = agreement(reference, given)
    assert found.same == 0.75
    assert found.area == 0.25  # half of the pixels are class 0 in one, a quarter in the other
    assert found.confidence == pytest.approx(0.01 / 4)  # .52 against .51, the others equal
    assert found.margin == pytest.approx(0.04)  # .52 - .48
    assert not found.good


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_no_numbers_agree_with_nothing(value):
    assert not agreement([window((0.9, 0.1))], [window((value, 0.1))]).good


@pytest.mark.parametrize(
    ("figures", "good"),
    [
        ((0.99, 0.002, 0.02, 0.1), True),
        ((0.989, 0.0, 0.0, 0.0), False),
        ((1.0, 0.0021, 0.0, 0.0), False),
        ((1.0, 0.0, 0.021, 0.0), False),
        ((1.0, 0.0, 0.0, 0.11), False),  # what flipped was no near-tie
    ],
)
def test_every_limit_counts(figures, good):
    assert Agreement(*figures).good is good


def test_scenes_have_scores_without_pixels():
    reference = [np.array([[0.7, 0.2, 0.1], [0.1, 0.2, 0.7]], np.float32)]  # [2, K]
    given = [np.array([[0.7, 0.2, 0.1], [0.1, 0.5, 0.4]], np.float32)]
    found = agreement(reference, given)
    assert (found.same, found.margin) == (0.5, pytest.approx(0.5))


def test_a_line_for_the_log():
    text = str(Agreement(0.9971, 0.0012, 0.0034, 0.02))
    assert text == (
        "same class 99.71%, areas within 0.12%, confidence within 0.0034, margin of the changed 0.020"
    )

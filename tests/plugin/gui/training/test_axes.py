"""Ticks at the round numbers that a person would choose."""

import pytest

from spectralgpt_qgis.gui.training.axes import limits, ticks, whole_ticks


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        ((0, 1), [0, 0.5, 1]),  # 0.25 (4 gaps) is not a round step, 0.5 is the next
        ((0, 100), [0, 50, 100]),
        ((0.6, 0.8), [0.6, 0.65, 0.7, 0.75, 0.8]),
        ((0.13, 0.87), [0.2, 0.4, 0.6, 0.8]),
    ],
)
def test_ticks_are_round_and_few(span, expected):
    assert ticks(*span) == expected


@pytest.mark.parametrize("span", [(0, 3e-7), (0.001, 0.0011), (2, 2e6), (-5, 5)])
@pytest.mark.parametrize("most", [2, 3, 5, 9])
def test_there_are_never_more_than_asked_for(span, most):
    found = ticks(*span, most)
    assert len(found) <= most
    assert all(span[0] - 1e-9 <= value <= span[1] + 1e-9 for value in found)


def test_rounds_are_whole_numbers():
    assert whole_ticks(5) == [0, 1, 2, 3, 4, 5]
    assert whole_ticks(12, 8) == [0, 2, 4, 6, 8, 10, 12]
    assert whole_ticks(1) == [0, 1]
    assert whole_ticks(0) == [0]


def test_limits_hold_all_values():
    assert limits([0.62, 0.79]) == pytest.approx((0.6, 0.8))
    assert limits([0.1, 0.9]) == (0, 1), "near zero it starts at zero"
    low, high = limits([1.0, 1.0])
    assert low < 1 < high, "one value still has room around it"
    low, high = limits([0.0])
    assert low < high

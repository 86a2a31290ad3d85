import numpy as np
import pytest

from engine.benchmark.scoreboard import (
    Scoreboard,
    Trial,
    paired_difference,
    rounded,
    timed,
    told_draws,
)


def trial(method, accuracy, experiment="five", place=""):
    return Trial(experiment, place, method, {"accuracy": accuracy}, 2.0, 0.5)


def test_a_row_has_mean_and_spread_of_its_trials():
    """0.5 and 0.7: mean 0.6, sample deviation 0.1 * sqrt(2)."""
    board = Scoreboard("Title", "about")
    board.add(trial("forest", 0.5))
    board.add(trial("forest", 0.7))
    board.add(trial("forest", 0.9, place="elsewhere"))
    first, second = board.summary()
    assert (first["mean"], first["std"], first["trials"]) == (0.6, 0.1414, 2)
    assert first["values"] == [0.5, 0.7]
    assert (first["fit_seconds"], first["predict_seconds"]) == (2.0, 0.5)
    assert (second["place"], second["mean"], second["std"]) == ("elsewhere", 0.9, None)


def test_the_interval_of_a_paired_difference():
    """Differences 1, 2, 3: mean 2, deviation 1, t(0.975, 2) = 4.3027, so 2 -+ 4.3027 / sqrt(3)."""
    found = paired_difference([2, 4, 6], [1, 2, 3])
    assert found == {"mean": 2.0, "low": -0.4841, "high": 4.4841, "units": 3}


def test_units_that_cannot_be_paired_have_no_interval():
    assert paired_difference([0.5], [0.25]) == {
        "mean": 0.25,
        "low": None,
        "high": None,
        "units": 1,
    }
    assert paired_difference([np.nan], [1.0])["mean"] is None


def test_differences_use_the_units_that_both_have_each_by_its_mean():
    """Chip 1: ours (1 + 0) / 2 less 0; chip 2: 1 less 1; chip 3 was only seen by ours."""
    board = Scoreboard("Title", "about")
    board.pair("five", "", "accuracy", "ours", [1, 2, 3], [1, 1, 0])
    board.pair("five", "", "accuracy", "ours", [1], [0])
    board.pair("five", "", "accuracy", "forest", [1, 2], [0, 1])
    (row,) = board.differences(["ours"])
    assert (row["method"], row["baseline"], row["measure"]) == ("ours", "forest", "accuracy")
    assert (row["mean"], row["units"]) == (0.25, 2)


def test_references_are_not_compared_with_each_other():
    board = Scoreboard("Title", "about")
    for method in ("quick", "full", "forest"):
        board.pair("five", "", "accuracy", method, [1, 2], [1, 0])
    pairs = [(row["method"], row["baseline"]) for row in board.differences(["quick", "full"])]
    assert pairs == [("quick", "forest"), ("full", "forest")]


def test_what_is_no_number_becomes_none():
    assert rounded(float("nan")) is None
    assert rounded(0.123456) == pytest.approx(0.1235)


def test_timed_gives_result_and_seconds():
    result, seconds = timed(max, 1, 3)
    assert result == 3
    assert 0 <= seconds < 1


def test_which_draws_there_are():
    assert told_draws(range(2000, 2005)) == "5 draws (numbers 2000 to 2004)"

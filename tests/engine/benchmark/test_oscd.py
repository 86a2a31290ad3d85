import numpy as np
import pytest

from engine.benchmark.change_vectors import ChangeVectors
from engine.benchmark.oscd import FOLDS, POOLED, change_figures, measure
from engine.benchmark.protocols import ChangePair
from engine.progress import Progress


def test_the_folds_hold_ten_cities_once_and_paris_together():
    cities = [city for fold in FOLDS for city in fold]
    assert len(cities) == len(set(cities)) == 10
    assert ("bercy", "paris") in FOLDS


def test_figures_by_hand():
    """Scores 4, 3, 2, 1 with truth 1, 0, 1, 0: precision 1 and 2/3 at the hits, 3 of 4 pairs right."""
    truth = np.array([True, False, True, False])
    score = np.array([4.0, 3.0, 2.0, 1.0])
    figures = change_figures(truth, score, score >= 3)
    assert figures["average precision"] == pytest.approx((1 + 2 / 3) / 2)
    assert figures["AUC"] == 0.75
    assert figures["F1"] == 0.5


class Spy:
    """Remembers which cities it saw and with what time; scores by the second date's first band."""

    threshold = 0.5

    def __init__(self):
        self.seen = []

    def fit(self, pairs, seed, seconds):
        self.seen.append(([float(pair.before[0, 0, 0]) for pair in pairs], seed, seconds))
        return self

    def predict(self, before, after, valid):
        return after[0]


def pair(number):
    """The city's number is all that its first date holds; one of four pixels changed."""
    truth = np.array([[1, 0], [0, 0]], np.uint8)
    after = np.tile(truth.astype(np.float32), (9, 1, 1))
    before = np.full((9, 2, 2), number, np.float32)
    return ChangePair(before, after, np.ones((2, 2), bool), truth)


def test_a_method_never_sees_the_cities_it_is_tested_on():
    pairs = {name: pair(number) for number, name in enumerate("abcd")}
    spy = Spy()
    folds = (("a", "b"), ("c", "d"))
    board = measure(None, [("spy", spy)], 2, Progress(), 7.0, pairs, folds)
    assert spy.seen == [
        ([2, 3], 0, 7.0),
        ([0, 1], 0, 7.0),
        ([2, 3], 1, 7.0),
        ([0, 1], 1, 7.0),
    ]
    rows = [row for row in board.summary() if row["measure"] == "F1"]
    assert [row["place"] for row in rows] == ["a", "b", "c", "d", POOLED]
    assert all(row["values"] == [1, 1] for row in rows)


class Log(Progress):
    """Keeps the lines of the log."""

    def __init__(self):
        super().__init__()
        self.lines = []

    def emit(self, event):
        if event["event"] == "log":
            self.lines.append(event["message"])


def test_each_fold_is_told_as_soon_as_it_is_measured():
    """The second fold ends the run; of the first one all is known."""

    class Ending(Spy):
        def fit(self, pairs, seed, seconds):
            if len(self.seen) == 1:
                raise KeyboardInterrupt
            return super().fit(pairs, seed, seconds)

    pairs, log = {name: pair(number) for number, name in enumerate("ab")}, Log()
    with pytest.raises(KeyboardInterrupt):
        measure(None, [("spy", Ending())], 1, log, 1.0, pairs, (("a",), ("b",)))
    assert log.lines == ["spy, seed 0, a: average precision 1.000, AUC 1.000, F1 1.000"]


def test_pixels_that_are_not_valid_do_not_count():
    given = pair(0)
    spoiled = given.after.copy()
    spoiled[:, 1, 1] = 9
    valid = np.array([[True, True], [True, False]])
    pairs = {"a": given._replace(after=spoiled, valid=valid), "b": pair(1)}
    board = measure(None, [("spy", Spy())], 1, Progress(), 1.0, pairs, (("a",), ("b",)))
    assert all(row["mean"] == 1 for row in board.summary())


def test_differences_are_paired_over_the_cities():
    """Two cities are two units, however many seeds: a city counts by its mean."""
    pairs = {name: pair(number) for number, name in enumerate("ab")}
    methods = [("spy", Spy()), ("vectors", ChangeVectors())]
    board = measure(None, methods, 3, Progress(), 1.0, pairs, (("a",), ("b",)))
    assert {row["units"] for row in board.differences(["spy"])} == {2}

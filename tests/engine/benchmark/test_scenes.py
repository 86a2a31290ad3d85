import numpy as np
import pytest

from engine.benchmark.scenes import few_a_class, measure
from engine.progress import Progress


class Level:
    """Nearest class by mean level of the training chips; keeps what it was trained on."""

    def __init__(self):
        self.trained = []

    def fit(self, chips, labels, classes, seed):
        self.trained.append(np.sort(chips[:, 0, 0, 0]))
        self.levels = np.array([chips[labels == k].mean() for k in range(classes)])
        return self

    def predict(self, chips):
        return -np.abs(chips.mean((1, 2, 3))[:, None] - self.levels)


@pytest.fixture
def collection():
    """Two classes of 10 and 8 chips; one of class 1 looks like class 0."""
    labels = np.array([0] * 10 + [1] * 8)
    chips = np.zeros((18, 9, 4, 4), np.float32)
    chips += (labels + 0.001 * np.arange(18))[:, None, None, None]
    chips[10] = 0
    return chips, labels, 2


def test_a_class_always_keeps_a_chip_to_test():
    labels = np.array([0] * 10 + [1] * 8)
    train = few_a_class(labels, 8, np.random.default_rng(0))
    assert [train[labels == k].sum() for k in (0, 1)] == [8, 7]


def test_in_five_folds_every_chip_is_tested_once(collection):
    """17 of 18 right in every repeat: the odd one is always taken for class 0."""
    board = measure(None, [("level", Level())], 3, Progress(), collection)
    rows = {row["experiment"]: row for row in board.summary()}
    assert list(rows) == ["5 chips a class", "8 chips a class", "5-fold"]
    assert rows["5-fold"]["values"] == [round(17 / 18, 4)] * 3


def test_every_method_gets_the_same_draws(collection):
    first, second = Level(), Level()
    board = measure(None, [("a", first), ("b", second)], 2, Progress(), collection)
    assert len(first.trained) == 2 * (2 + 5)
    assert all(np.array_equal(*pair) for pair in zip(first.trained, second.trained))
    for row in board.differences(["a"]):
        assert (row["mean"], row["low"], row["high"]) == (0, 0, 0)
        assert row["units"] == 18 or row["experiment"] != "5-fold"

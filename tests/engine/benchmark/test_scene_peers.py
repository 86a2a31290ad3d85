import numpy as np
import pytest

from engine.benchmark.forest import SceneForest
from engine.benchmark.logistic import SceneLogistic

METHODS = [
    SceneForest(texture=False, trees=20),
    SceneForest(trees=20),
    SceneLogistic(texture=False),
    SceneLogistic(),
]


def chips(count, seed):
    """Classes 0 and 2 of three: dark and bright chips in turn."""
    labels = np.arange(count) % 2 * 2
    random = np.random.default_rng(seed)
    level = np.where(labels == 0, 0.1, 0.3)[:, None, None, None]
    return (level + random.normal(0, 0.02, (count, 9, 16, 16))).astype(np.float32), labels


@pytest.mark.parametrize("method", METHODS, ids=str)
def test_bright_and_dark_chips_are_told_apart(method):
    model = method.fit(*chips(8, 0), 3, 0)
    test, labels = chips(6, 1)
    scores = model.predict(test)
    assert scores.shape == (6, 3)
    assert not scores[:, 1].any()
    assert np.array_equal(scores.argmax(1), labels)


@pytest.mark.parametrize("method", METHODS, ids=str)
def test_the_same_seed_gives_the_same_scores(method):
    test, _ = chips(6, 1)
    first, again = (method.fit(*chips(8, 0), 3, 5).predict(test) for _ in range(2))
    assert np.array_equal(first, again)

import numpy as np

from engine.benchmark.protocols import ChangePair
from engine.benchmark.taizhou import measure
from engine.progress import Progress


class Second:
    """Scores by the second date's first band; must be given nothing to learn from."""

    threshold = 0.5

    def fit(self, pairs, seed, seconds):
        self.given = (list(pairs), seconds)
        return self

    def predict(self, before, after, valid):
        return after[0]


def test_unlabelled_pixels_do_not_count():
    truth = np.array([[1, 0, 255, 255]], np.uint8)
    after = np.tile(np.array([[1, 0, 1, 0]], np.float32), (9, 1, 1))
    pair = ChangePair(np.zeros_like(after), after, np.ones((1, 4), bool), truth)
    method = Second()
    rows = measure(None, [("second", method)], 0, Progress(), pair).summary()
    assert {row["measure"]: row["mean"] for row in rows} == {
        "average precision": 1,
        "AUC": 1,
        "F1": 1,
    }
    assert method.given == ([], 0.0)

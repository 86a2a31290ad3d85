import numpy as np
import pytest

from engine.benchmark.village import Village, draw_polygons, measure
from engine.progress import Progress


@pytest.fixture
def village():
    """Two classes of four polygons of 2 x 2 pixels, class 2 brighter."""
    polygon = np.kron(np.arange(1, 9).reshape(2, 4), np.ones((2, 2), int))
    polygon = np.pad(polygon, 1)
    label = np.where(polygon == 0, 0, np.where(polygon <= 4, 1, 2))
    image = np.tile(label.astype(np.float32), (9, 1, 1))
    return Village(image, np.ones(label.shape, bool), label, polygon)


class Levels:
    """Nearest mean level; keeps the polygons it was trained on."""

    def __init__(self):
        self.units = []

    def fit(self, scene, seed):
        self.units.append(sorted(set(scene.unit.tolist())))
        values = scene.image[0, scene.row, scene.column]
        levels = [values[scene.label == k].mean() for k in range(scene.classes)]
        self.levels = np.array(levels)
        return self

    def predict(self, image, valid):
        return -np.abs(image[0] - self.levels[:, None, None])


def test_as_many_polygons_of_each_class_as_asked(village):
    drawn = draw_polygons(village, 3, seed=1)
    assert (drawn <= 4).sum() == (drawn > 4).sum() == 3
    assert np.array_equal(drawn, draw_polygons(village, 3, seed=1))


def test_every_method_gets_the_same_polygons_and_the_rest_is_tested(village):
    first, second = Levels(), Levels()
    methods = [("a", first), ("b", second)]
    rows = measure(None, methods, 2, Progress(), village).summary()
    assert first.units == second.units
    assert [len(units) for units in first.units] == [2, 2, 4, 4, 6, 6]
    assert {row["experiment"] for row in rows} == {
        "1 polygon a class",
        "2 polygons a class",
        "3 polygons a class",
    }
    assert all(row["mean"] == 1 for row in rows)


def test_draws_go_on_from_the_first(village):
    """Draws 2 and 3 of one call are those of another that begins with 2."""
    every, later = Levels(), Levels()
    measure(None, [("a", every)], 4, Progress(), village)
    measure(None, [("a", later)], 2, Progress(), village, first=2)
    assert later.units == [units for k in range(3) for units in every.units[4 * k + 2 : 4 * k + 4]]


def test_training_polygons_are_not_tested(village):
    """What was trained on is right and all else wrong: nothing but wrong pixels are counted."""

    class Wrong:
        def fit(self, scene, seed):
            self.truth = village.label - 1
            self.trained = np.isin(village.polygon, scene.unit)
            return self

        def predict(self, image, valid):
            right = np.stack([self.truth == k for k in range(2)])
            return np.where(self.trained, right, ~right).astype(np.float32)

    rows = measure(None, [("wrong", Wrong())], 1, Progress(), village).summary()
    assert all(row["mean"] == 0 for row in rows if row["measure"] == "overall accuracy")

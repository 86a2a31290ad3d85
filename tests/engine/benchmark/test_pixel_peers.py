"""Forest, regression and water index on a scene whose left half is water."""

import numpy as np
import pytest

from engine.benchmark.forest import PixelForest
from engine.benchmark.logistic import DEFAULT_PENALTY, PENALTIES, PixelLogistic, choose_penalty
from engine.benchmark.protocols import LabelledImage
from engine.benchmark.water_index import WaterIndex, best_threshold

WIDTH, HEIGHT = 20, 12


@pytest.fixture
def scene():
    """Green 0.2 and infrared 0.1 on the left (NDWI 1/3), infrared 0.4 on the right (NDWI -1/3)."""
    noise = np.random.default_rng(1).normal(0, 0.005, (9, HEIGHT, WIDTH))
    image = (0.2 + noise).astype(np.float32)
    image[6] += np.where(np.arange(WIDTH) < 10, -0.1, 0.2)
    return image, np.ones((HEIGHT, WIDTH), bool)


def training(classes=(1, 0)):
    """Two units a class, three pixels each, well inside its half."""
    row = np.tile([1, 1, 2, 9, 9, 10], 2)
    column = np.array([2] * 6 + [17] * 6)
    unit = np.repeat([0, 1, 2, 3], 3)
    return row, column, np.repeat(classes, 6), unit


@pytest.mark.parametrize(
    "method",
    [
        PixelForest(texture=False, trees=20),
        PixelForest(trees=20),
        PixelLogistic(texture=False),
        PixelLogistic(),
        WaterIndex(),
        WaterIndex(None),
    ],
    ids=str,
)
def test_each_half_is_found(method, scene):
    probability = method.fit(LabelledImage(*scene, *training(), 2), 0).predict(*scene)
    assert probability.shape == (2, HEIGHT, WIDTH)
    assert probability.sum(0) == pytest.approx(np.ones((HEIGHT, WIDTH)), abs=1e-5)
    found = probability.argmax(0)
    # Near the shore, at column 10, windows of 7 pixels see both halves.
    assert (found[:, :7] == 1).all()
    assert (found[:, 14:] == 0).all()


@pytest.mark.parametrize("method", [PixelForest(trees=20), PixelLogistic()], ids=str)
def test_a_class_without_training_pixels_keeps_its_channel(method, scene):
    probability = method.fit(LabelledImage(*scene, *training(classes=(0, 2)), 3), 0).predict(*scene)
    assert probability.shape[0] == 3
    assert not probability[1].any()


@pytest.mark.parametrize("method", [PixelForest(trees=10), PixelLogistic()], ids=str)
def test_the_same_seed_gives_the_same_map(method, scene):
    first, again = (
        method.fit(LabelledImage(*scene, *training(), 2), 3).predict(*scene) for _ in range(2)
    )
    assert np.array_equal(first, again)


def test_the_penalty_is_strong_where_units_contradict_each_other():
    """The one feature follows the unit by chance, not the class: a free fit would be punished."""
    random = np.random.default_rng(0)
    units = np.repeat(np.arange(20), 5)
    labels = units % 2
    features = random.normal(size=(20, 10))[units]
    assert choose_penalty(features, labels, units, 0) == PENALTIES[0]


def test_the_penalty_is_weak_where_the_classes_are_apart():
    units = np.repeat(np.arange(10), 5)
    labels = units % 2
    features = labels[:, None] + np.random.default_rng(0).normal(0, 0.01, (50, 1))
    assert choose_penalty(features, labels, units, 0) == PENALTIES[-1]


def test_with_one_unit_a_class_nothing_can_be_held_back():
    features = np.array([[0.0], [0.1], [1.0], [1.1]])
    labels = np.array([0, 0, 1, 1])
    assert choose_penalty(features, labels, labels, 0) == DEFAULT_PENALTY


def test_threshold_lies_in_the_middle_of_the_widest_gap():
    """Dry -0.5, -0.3; wet 0.1, 0.4: all right between -0.3 and 0.1."""
    value = np.array([0.1, -0.5, 0.4, -0.3])
    assert best_threshold(value, value > 0) == pytest.approx(-0.1)


def test_threshold_balances_both_kinds():
    """One wet pixel among many dry ones of the same value costs less than half of the wet ones."""
    value = np.array([0.0] * 8 + [1.0, 1.0])
    positive = np.array([False] * 7 + [True, True, True])
    assert best_threshold(value, positive) == 0.5

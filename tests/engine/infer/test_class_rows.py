import numpy as np
import pytest

from engine.infer.class_rows import UNKNOWN_PERCENT, as_percent, best, class_layers
from engine.infer.merge import Rows
from engine.model_file import read_card
from engine.model_folders import shipped_models


@pytest.mark.parametrize("classes", [1, 2, 10, 300])
def test_the_best_is_what_argmax_and_max_give(classes):
    """Halves and quarters: many pixels have several best classes, of which the first counts."""
    scores = np.random.default_rng(0).integers(0, 5, (classes, 19, 23)).astype(np.float32) / 4
    places, highest = best(scores)
    np.testing.assert_array_equal(places, scores.argmax(axis=0))
    np.testing.assert_array_equal(highest, scores.max(axis=0))


def test_percents_are_whole_and_none_is_outside():
    scores = np.array([[0, 0.004, 0.006, 0.505, 1, 1.001]], np.float32)
    assert as_percent(scores).tolist() == [[0, 0, 1, 50, 100, 100]]


def test_unknown_pixels_are_without_data_in_both_layers(landcover_card):
    known = np.random.default_rng(1).random((21, 5)) < 0.5
    scores = np.zeros((len(landcover_card.classes), 21, 5), np.float32)
    scores[1] = 0.75
    classes, percents = class_layers(landcover_card, True)(Rows(0, scores, known))
    value = landcover_card.classes[1].value
    np.testing.assert_array_equal(classes, np.where(known, value, landcover_card.nodata))
    np.testing.assert_array_equal(percents, np.where(known, 75, UNKNOWN_PERCENT))


@pytest.fixture
def landcover_card():

    return read_card(shipped_models() / "landcover.onnx")

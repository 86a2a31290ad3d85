import numpy as np
import pytest

from engine.errors import ModelInvalid
from engine.infer.cut import Cut
from engine.infer.scores import UNKNOWN
from engine.infer.threshold import BINS, expit, logit

HALVES = np.zeros(BINS)
HALVES[[BINS // 4, BINS - 1]] = 50  # pixels with a score of 1/4, and of nearly 1
SCENE = {"method": "scene", "rule": "quantile", "share": 0.5}
QUARTER = (BINS // 4 + 0.5) / BINS  # the middle of that bin
NEWER = {"method": "scene", "rule": "of a later version"}


def test_the_models_own_cut_is_fixed_or_found_in_the_scene():
    assert Cut.decide(HALVES, {}) == Cut(0.5, 0.5)
    assert Cut.decide(HALVES, SCENE) == Cut(QUARTER, QUARTER)


def test_a_given_cut_comes_first():
    assert Cut.decide(HALVES, SCENE, 0.7) == Cut(0.7, QUARTER)


def test_rescaled_scores_are_compared_with_a_half_or_the_given_cut():
    spec = {**SCENE, "rescale": True}
    assert Cut.decide(HALVES, spec) == Cut(0.5, 0.5, QUARTER)
    cut = Cut.decide(HALVES, spec, 0.7)
    assert cut == Cut(0.7, 0.5, QUARTER)
    scores = np.array([UNKNOWN, QUARTER, 0.9], np.float32)
    expected = [UNKNOWN, 0.5, expit(logit(0.9) - logit(QUARTER))]
    np.testing.assert_allclose(cut.adjust(scores), expected, rtol=1e-6)


def test_scores_that_are_not_rescaled_stay_as_they_are():
    scores = np.array([UNKNOWN, 0.2, 0.9], np.float32)
    np.testing.assert_array_equal(Cut(0.5, 0.5).adjust(scores), scores)


def test_a_given_cut_makes_up_for_a_rule_that_is_not_known():
    """As the error without one says; but scores that would be rescaled cannot be compared."""
    with pytest.raises(ModelInvalid, match="The model card asks for"):
        Cut.decide(HALVES, NEWER)
    assert Cut.decide(HALVES, NEWER, 0.7) == Cut(0.7, None)
    with pytest.raises(ModelInvalid):
        Cut.decide(HALVES, {**NEWER, "rescale": True}, 0.7)

from __future__ import annotations

import numpy as np
import pytest

from engine.train.calibration import TEMPERATURES, calibrate


def test_sure_and_right_scores_get_a_low_temperature_and_wrong_ones_a_high_one():
    label = np.arange(30) % 3
    right = np.eye(3)[label]
    wrong = np.eye(3)[(label + (np.arange(30) % 2)) % 3]
    sure, _ = calibrate(right, label)
    unsure, _ = calibrate(wrong, label)
    assert sure == pytest.approx(TEMPERATURES[0])
    assert unsure > 1


def test_a_wanted_confidence_is_met():
    random = np.random.default_rng(0)
    scores = random.normal(size=(200, 4))
    temperature, _ = calibrate(scores, np.zeros(200, int), confidence=0.7)
    powers = np.exp(scores / temperature)
    assert (powers / powers.sum(1, keepdims=True)).max(1).mean() == pytest.approx(0.7, abs=0.03)


def test_of_several_labels_mean_probability_is_the_share():
    random = np.random.default_rng(1)
    has = (random.random((100, 2)) < [0.2, 0.6]).astype(float)
    scores = has + random.normal(scale=0.5, size=has.shape)
    temperature, shift = calibrate(scores, has)
    chances = 1 / (1 + np.exp(-(scores - shift) / temperature))
    np.testing.assert_allclose(chances.mean(0), has.mean(0), atol=1e-3)

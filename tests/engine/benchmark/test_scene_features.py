import numpy as np
import pytest

from engine.benchmark.indices import PAIRS
from engine.benchmark.scene_features import distribution, scene_features, steepness


def test_distribution_of_a_ramp():
    """0..100: mean 50, tenth percentile 10, ninetieth 90."""
    layer = np.arange(101, dtype=float).reshape(1, 1, 1, 101)
    mean, std, low, high = distribution(layer)[0]
    assert (mean, low, high) == (50, 10, 90)
    assert std == pytest.approx(np.sqrt((101**2 - 1) / 12))


def test_steepness_is_the_length_of_the_gradient():
    row, column = np.mgrid[0:4, 0:5]
    assert steepness((3 * row + 4 * column)[None, None].astype(float)) == pytest.approx(
        np.full((1, 1, 4, 5), 5.0)
    )


def test_texture_adds_gradients_and_indices():
    chips = np.random.default_rng(0).random((2, 9, 8, 8)).astype(np.float32)
    assert scene_features(chips, texture=False).shape == (2, 36)
    assert scene_features(chips).shape == (2, 36 + 18 + 6 * len(PAIRS))
    assert np.isfinite(scene_features(np.zeros((1, 9, 8, 8), np.float32))).all()

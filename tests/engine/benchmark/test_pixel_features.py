import numpy as np
import pytest

from engine.benchmark.indices import PAIRS
from engine.benchmark.pixel_features import local_moments, pixel_features

LAYERS = 9 + len(PAIRS)


def test_bands_come_first_and_texture_adds_two_moments_a_window():
    image = np.random.default_rng(0).random((9, 6, 5)).astype(np.float32)
    valid = np.ones((6, 5), bool)
    plain = pixel_features(image, valid, texture=False)
    assert plain.shape == (6, 5, LAYERS)
    assert np.array_equal(plain[..., :9], image.transpose(1, 2, 0))
    assert pixel_features(image, valid, texture=True).shape == (6, 5, LAYERS * 5)


def test_moments_of_a_window_of_three():
    """In the middle of 1..9 the mean is 5 and the variance 60 / 9; at the corner 1, 2, 4, 5: mean 3."""
    layer = np.arange(1, 10, dtype=np.float32).reshape(1, 3, 3)
    mean, std = local_moments(layer, np.ones((3, 3), bool), 3)
    assert mean[0, 1, 1] == pytest.approx(5)
    assert std[0, 1, 1] == pytest.approx((60 / 9) ** 0.5)
    assert mean[0, 0, 0] == pytest.approx(3)


def test_invalid_pixels_have_no_part_in_their_neighbours_texture():
    layer = np.full((1, 5, 5), 2, np.float32)
    layer[0, 2, 2] = 1000
    valid = layer[0] == 2
    mean, std = local_moments(layer, valid, 3)
    assert mean[0] == pytest.approx(np.full((5, 5), 2))
    assert std[0] == pytest.approx(np.zeros((5, 5)), abs=1e-5)


def test_a_window_without_a_valid_pixel_is_zero():
    mean, std = local_moments(np.ones((1, 4, 4), np.float32), np.zeros((4, 4), bool), 3)
    assert not mean.any()
    assert not std.any()

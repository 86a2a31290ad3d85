from __future__ import annotations

import numpy as np
import pytest

from engine.recipes.disturbance import (
    BUILT,
    FIELD,
    WATER,
    disturb,
    local_mean,
    season,
    shift,
    smooth_noise,
    soften,
)


def test_local_mean() -> None:
    image = np.zeros((1, 9, 9))
    image[0, 4, 4] = 9.0
    mean = local_mean(image, 3)
    np.testing.assert_allclose(mean[0, 3:6, 3:6], 1.0)
    assert mean.sum() == pytest.approx(9.0)


def test_soften_is_a_mean_of_nine() -> None:
    mask = np.zeros((5, 5), bool)
    mask[2, 2] = True
    expected = np.zeros((5, 5))
    expected[1:4, 1:4] = 1 / 9
    np.testing.assert_allclose(soften(mask), expected, rtol=1e-6)


def test_shift_moves_by_at_most_a_pixel() -> None:
    point = np.zeros((1, 11, 11))
    point[0, 5, 5] = 1.0
    moved = [shift(np.random.default_rng(seed), point) for seed in range(20)]
    for image in moved:
        assert image.sum() == pytest.approx(1.0)
        assert image[0, 4:7, 4:7].sum() == pytest.approx(1.0)
    still = sum(np.array_equal(image, point) for image in moved)
    assert 0 < still < 20


def test_seasons_leave_the_levels_of_built_ground_alone() -> None:
    cover = np.full((32, 32), BUILT, np.uint8)
    cover[:, 12:22] = FIELD
    cover[:, 22:] = WATER
    flat = np.zeros((9, 32, 32))
    moved = np.stack(
        [np.abs(season(np.random.default_rng(seed), flat, cover)) for seed in range(20)]
    ).max(0)
    # Blurred edges and the local contrast (9 pixels) reach at most 5 pixels over the border.
    assert moved[:, :, :7].max() < 1e-9
    assert moved[:, :, 14:20].max() > 0.1 and moved[:, :, 25:].max() > 0.1


def test_disturbances_are_small_beside_a_scene() -> None:
    image = np.random.default_rng(0).normal(size=(9, 32, 32))
    for seed in range(10):
        out = disturb(np.random.default_rng(seed), image)
        assert out.dtype == np.float32
        assert np.corrcoef(out.ravel(), image.ravel())[0, 1] > 0.9
        assert not np.allclose(out, image)


def test_smooth_noise_is_smooth() -> None:
    noise = smooth_noise(np.random.default_rng(0), 40, 3)
    assert noise.shape == (40, 40)
    assert np.abs(np.diff(noise, axis=0)).max() < 0.3 < np.ptp(noise)

from __future__ import annotations

import numpy as np
import pytest

from engine.recipes.change_evidence import (
    alteration,
    change_evidence,
    smooth,
    soft_target,
    standardise,
    vegetation,
)


def scene(seed: int = 0, side: int = 96) -> np.ndarray:
    """Barren ground with some relief, reflectance [9, side, side]."""
    rng = np.random.default_rng(seed)
    ground = smooth(rng.standard_normal((1, side, side)), 4.0)
    spectrum = np.linspace(0.1, 0.2, 9)[:, None, None]
    noise = rng.standard_normal((9, side, side))
    return (spectrum * (1 + ground) + 0.002 * noise).astype(np.float32)


def test_a_new_building_stands_out_from_haze_and_noise() -> None:
    before = scene()
    haze = np.linspace(0, 0.05, 96)[None, None, :]
    after = before + haze + 0.002 * np.random.default_rng(1).standard_normal(before.shape)
    after[:, 40:52, 30:45] += 0.08
    evidence = change_evidence(before, after.astype(np.float32))
    inside = evidence[42:50, 32:43]
    outside = np.delete(evidence, slice(30, 62), axis=0)
    assert np.median(inside) > outside.max()


def test_ground_that_is_green_once_counts_less() -> None:
    before, after = scene(), scene()
    after[:, 20:30, 20:30] += 0.08
    after[:, 60:70, 60:70] += 0.08
    before[6, 60:70, 60:70] = 0.7  # near infrared: vegetation was there
    evidence = change_evidence(before, after)
    assert evidence[25, 25] > evidence[65, 65]


def test_alteration_does_not_see_a_linear_change_of_units() -> None:
    before, after = scene(0)[:6], scene(1)[:6]
    scaled = 3.0 * after[::-1] - 0.5  # other units, other order of the bands
    np.testing.assert_allclose(alteration(before, after), alteration(before, scaled), rtol=1e-3)


def test_soft_target_is_one_half_at_the_wanted_deviations() -> None:
    # Median 0 and a median absolute deviation of 1: robust deviation 1.4826.
    evidence = np.array([[-2.0, -1.0, 0.0, 1.0, 2.5 * 1.4826]])
    target = soft_target(evidence, deviations=2.5, steepness=1.0)
    assert target[0, 4] == pytest.approx(0.5, abs=1e-4)
    assert target[0, 2] == pytest.approx(1 / (1 + np.exp(2.5)), abs=1e-4)
    assert (np.diff(target[0]) > 0).all()


def test_smooth_keeps_constants_and_sums() -> None:
    np.testing.assert_allclose(smooth(np.full((2, 20, 30), 3.0), 2.0), 3.0, rtol=1e-5)
    point = np.zeros((1, 41, 41))
    point[0, 20, 20] = 1
    blurred = smooth(point, 2.0)
    assert blurred.sum() == pytest.approx(1, abs=1e-5)
    # The middle of a two-dimensional Gaussian with deviation 2 is 1 / (8 pi).
    assert blurred.max() == pytest.approx(1 / (8 * np.pi), rel=0.02)


def test_standardise_and_vegetation() -> None:
    image = np.arange(9 * 16, dtype=np.float32).reshape(9, 4, 4)
    np.testing.assert_allclose(standardise(image).mean((1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(standardise(image).std((1, 2)), 1, atol=1e-4)
    spectrum = np.zeros((9, 1, 1), np.float32)
    spectrum[2], spectrum[6] = 0.1, 0.4
    assert vegetation(spectrum)[0, 0] == pytest.approx(0.3 / 0.501)

from __future__ import annotations

import math

import pytest
import torch

from engine.model.band_relations import SCALES, band_relations, relations_width


def noise(*shape, seed=0):
    return 0.3 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def by_scale(image):
    """Deviations and pairs of each scale."""
    bands = image.shape[1]
    found = band_relations(image)[0].reshape(len(SCALES), -1)
    return found[:, :bands], found[:, bands:]


def test_width_is_what_comes_out():
    assert relations_width(6) == 3 * (6 + 15)
    assert band_relations(noise(2, 6, 32, 32)).shape == (2, relations_width(6))


def test_deviation_of_half_and_half_by_hand():
    """Left half 0, right half 1: deviation 1/2 at every scale, as edges lie on multiples of 8."""
    image = torch.zeros(1, 2, 32, 32)
    image[..., 16:] = 1.0
    deviation, _ = by_scale(image)
    assert torch.allclose(deviation, torch.full((3, 2), math.log(0.5)), atol=1e-3)


def test_bands_that_rise_together_fall_apart_or_do_not_care():
    first, other = noise(1, 1, 64, 64), noise(1, 1, 64, 64, seed=1)
    _, pairs = by_scale(torch.cat([first, 2 * first, -first, other], 1))
    same, opposite, unrelated = pairs[0, 0], pairs[0, 1], pairs[0, 2]
    assert same > 2.9  # z of the limit, .995
    assert opposite.item() == pytest.approx(-same.item(), abs=1e-3)
    assert abs(unrelated) < 0.05  # one over the root of 4096 pixels is .016


def test_correlation_by_hand():
    """Second = (first + independent) / root 2 correlates by 1 / root 2, whose z is .881."""
    first, other = noise(1, 1, 256, 256), noise(1, 1, 256, 256, seed=1)
    _, pairs = by_scale(torch.cat([first, (first + other) / math.sqrt(2)], 1))
    assert pairs[0, 0].item() == pytest.approx(math.atanh(math.sqrt(0.5)), abs=0.02)


def test_coarse_scales_see_what_patches_share_and_not_their_pixels():
    patches = noise(1, 1, 8, 8).repeat_interleave(8, 2).repeat_interleave(8, 3)
    first, other = noise(1, 1, 64, 64, seed=1), noise(1, 1, 64, 64, seed=2)
    _, pairs = by_scale(torch.cat([patches + first, patches + other], 1))
    assert pairs[0, 0] < 0.7 < 1.5 < pairs[2, 0]


def test_another_light_and_turning_change_nothing():
    image = noise(1, 6, 64, 64)
    light = torch.linspace(-0.5, 0.5, 6)[:, None, None]
    plain = band_relations(image)
    for changed in (image + light, image.rot90(1, (2, 3)), image.flip(3)):
        assert torch.allclose(band_relations(changed), plain, atol=1e-3)


def test_a_uniform_window_has_no_relations():
    deviation, pairs = by_scale(torch.full((1, 3, 32, 32), -1.0))
    assert torch.allclose(deviation, torch.tensor(math.log(0.01)), atol=1e-3)
    assert torch.allclose(pairs, torch.tensor(0.0), atol=1e-3)

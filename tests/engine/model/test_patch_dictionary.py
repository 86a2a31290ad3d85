from __future__ import annotations

import torch

from engine.model.common_bands import COMMON_BANDS
from engine.model.patch_dictionary import learn_dictionary
from engine.model.pixel_statistics import PixelStatistics


def scene(seed=0, side=64):
    random = torch.Generator().manual_seed(seed)
    return 0.05 + 0.3 * torch.rand(1, 9, side, side, generator=random)


def patches(statistics, image):
    return dict(zip(statistics.widths, statistics(image)))["patches"]


def test_dictionary_knows_the_patches_it_was_learned_from():
    image = scene(1, 48)[0]
    filters, offsets = learn_dictionary([image], COMMON_BANDS, patterns=8, samples=2000)
    assert filters.shape == (8, 6, 5, 5)
    statistics = PixelStatistics(patterns=8)
    statistics.set_dictionary(filters, offsets)
    textured = patches(statistics, image[None])
    flat = patches(statistics, torch.full((1, 9, 48, 48), 0.2))
    # A window without texture resembles no patch: sqrt(1e-4).
    assert torch.allclose(flat, torch.full_like(flat, 0.01), atol=1e-4)
    assert (textured > 2 * flat).all()


def test_dictionary_is_the_same_for_the_same_seed():
    images = [scene(2, 32)[0]]
    first, second = (
        learn_dictionary(images, COMMON_BANDS, 4, samples=300, seed=7) for _ in range(2)
    )
    assert torch.equal(first[0], second[0])


def test_fewer_samples_than_patterns_still_fill_the_dictionary():
    filters, offsets = learn_dictionary([scene(3, 32)[0]], COMMON_BANDS, 16, samples=10)
    assert filters.shape[0] == offsets.shape[0] == 16
    assert filters.isfinite().all()

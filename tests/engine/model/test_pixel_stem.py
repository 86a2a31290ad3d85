from __future__ import annotations

import torch

from engine.model.pixel_stem import ChannelNorm, PixelStem


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_channel_norm_gives_each_pixel_mean_0_and_deviation_1():
    out = ChannelNorm(8)(3 + 5 * noise(1, 8, 4, 4))
    assert torch.allclose(out.mean(1), torch.zeros(1, 4, 4), atol=1e-5)
    assert torch.allclose(out.square().mean(1), torch.ones(1, 4, 4), atol=1e-4)


def test_stem_halves_from_level_to_level():
    maps = PixelStem(9, (4, 6, 8))(noise(2, 9, 16, 24))
    assert [tuple(item.shape) for item in maps] == [(2, 4, 16, 24), (2, 6, 8, 12), (2, 8, 4, 6)]


def test_finest_map_of_the_stem_sees_one_pixel_and_its_neighbours():
    stem, image = PixelStem(9, (4, 6)), noise(1, 9, 16, 16)
    other = image.clone()
    other[:, :, 8, 8] += 1
    moved = (stem(image)[0] - stem(other)[0]).abs().amax((0, 1)) > 0
    assert moved[7:10, 7:10].all()
    assert moved.sum() == 9

from __future__ import annotations

import torch

from engine.model.config import preset
from engine.model.pixel_head import (
    ChannelNorm,
    PixelContext,
    PixelSegmentation,
    PixelStem,
)
from engine.model.registry import build_network

MEAN, STD = (0.1,) * 9, (0.1,) * 9
CONFIG = preset("tiny", image_size=64, dim=16, depth=1, heads=2)


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


def test_context_of_a_constant_image_has_its_own_values_as_means_and_no_texture():
    reflectance = torch.full((1, 9, 40, 40), 0.2)
    context = PixelContext((3,))
    out = context(torch.zeros(1, 9, 40, 40), reflectance, torch.ones(1, 1, 40, 40))
    assert out.shape == (1, context.channels, 40, 40)
    spectra, mean, spread = out[:, 3:9], out[:, 17:23], out[:, 29:31]
    assert torch.allclose(mean, spectra, atol=1e-5)
    # sqrt(1e-4) * 3: the floor under the root.
    assert torch.allclose(spread, torch.full_like(spread, 0.03), atol=2e-3)


def test_invalid_pixels_do_not_change_the_surroundings_of_valid_ones():
    reflectance = 0.2 + 0.05 * noise(1, 9, 32, 32)
    valid = torch.ones(1, 1, 32, 32)
    valid[..., :16] = 0
    other = reflectance.clone()
    other[..., :16] = 0.9
    image = torch.zeros(1, 9, 32, 32)
    context = PixelContext()
    first, second = context(image, reflectance, valid), context(image, other, valid)
    assert torch.allclose(first[..., 16:], second[..., 16:], atol=1e-5)


def test_description_builds_the_same_network():
    made = PixelSegmentation(CONFIG, 4, MEAN, STD).eval()
    again = build_network(made.architecture())
    again.load_state_dict(made.state_dict())
    image = noise(2, 9, 64, 64)
    assert torch.equal(made(image), again.eval()(image))


def test_segmentation_has_the_size_of_the_image():
    network = PixelSegmentation(CONFIG, 4, MEAN, STD).eval()
    assert network(noise(1, 9, 32, 64)).shape == (1, 4, 32, 64)


def test_segmentation_answers_at_the_pixel_that_changed():
    torch.manual_seed(0)
    network = PixelSegmentation(CONFIG, 4, MEAN, STD).eval()
    image = noise(1, 9, 64, 64)
    other = image.clone()
    other[:, :, 29, 27] += 4  # inside the token of rows and columns 24..31
    moved = (network(image) - network(other)).abs().sum((0, 1))
    row, column = divmod(int(moved.argmax()), 64)
    assert (row, column) == (29, 27)
    assert moved[29, 27] > 3 * moved[29, 30]


def test_deciding_pixel_by_pixel_is_what_forward_does():
    network = PixelSegmentation(CONFIG, 4, MEAN, STD).eval()
    image = noise(1, 9, 32, 32)
    context, tokens = network.describe(image)
    large = torch.nn.functional.interpolate(tokens, size=(32, 32), mode="bilinear")
    assert torch.allclose(network.decide(context, large), network(image), atol=1e-4)

from __future__ import annotations

import torch

from engine.model.config import preset
from engine.model.pixel_segmentation import PixelSegmentation
from engine.model.registry import build_network

MEAN, STD = (0.1,) * 9, (0.1,) * 9
CONFIG = preset("tiny", image_size=64, dim=16, depth=1, heads=2)


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


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

from __future__ import annotations

import torch

from engine.model.config import preset
from engine.model.pixel_classifier import PixelClassifier
from engine.model.registry import build_network

MEAN, STD = (0.1,) * 9, (0.1,) * 9
CONFIG = preset("tiny", image_size=64, dim=16, depth=1, heads=2)


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_description_builds_the_same_network():
    made = PixelClassifier(CONFIG, 4, MEAN, STD, patterns=8).eval()
    again = build_network(made.architecture())
    again.load_state_dict(made.state_dict())
    image = noise(2, 9, 64, 64)
    assert torch.equal(made(image), again.eval()(image))


def test_classifier_works_without_red_edge_and_with_holes():
    network = PixelClassifier(CONFIG, 4, MEAN, STD, patterns=8).eval()
    image, valid = noise(2, 9, 64, 64), torch.ones(2, 1, 64, 64)
    valid[:, :, :16, :16] = 0
    image = image * valid
    image[:, 3:6] = 0
    out = network(image, torch.tensor([0, 2]), valid)
    assert out.shape == (2, 4)
    assert out.isfinite().all()


def test_a_hole_in_a_uniform_window_changes_nothing():
    network = PixelClassifier(CONFIG, 4, MEAN, STD, patterns=8).eval()
    image, valid = torch.ones(1, 9, 64, 64), torch.ones(1, 1, 64, 64)
    whole = network.features(image, None, valid)
    valid[:, :, 8:24, 8:24] = 0
    assert torch.allclose(network.features(image * valid, None, valid), whole, atol=1e-4)


def test_features_have_the_widths_that_the_blocks_say():
    network = PixelClassifier(CONFIG, 4, MEAN, STD, patterns=8).eval()
    assert network.features(noise(1, 9, 64, 64)).shape[1] == sum(network.blocks.values())

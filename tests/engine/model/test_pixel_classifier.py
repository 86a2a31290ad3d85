from __future__ import annotations

import pytest
import torch

from engine.model.common_bands import COMMON_BANDS
from engine.model.config import preset
from engine.model.pixel_classifier import PixelClassifier, fill_holes
from engine.model.registry import build_network

CONFIG = preset("tiny", image_size=64, dim=16, depth=1, heads=2)


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def light(*shape, seed=0):
    return 0.05 + 0.3 * torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def classifier(bands=COMMON_BANDS):
    torch.manual_seed(0)
    return PixelClassifier(CONFIG, 4, bands, patterns=8).eval()


@pytest.mark.parametrize("bands", [COMMON_BANDS, ()])
def test_description_builds_the_same_network(bands):
    made = classifier(bands)
    again = build_network(made.architecture())
    again.load_state_dict(made.state_dict())
    image, reflectance = noise(2, 9, 64, 64), light(2, 9, 64, 64)
    assert torch.equal(made(image, reflectance), again.eval()(image, reflectance))


@pytest.mark.parametrize("bands", [COMMON_BANDS, ()])
def test_features_have_the_widths_that_the_blocks_say(bands):
    network = classifier(bands)
    found = network.features(noise(1, 9, 64, 64), light(1, 9, 64, 64))
    assert found.shape[1] == sum(network.blocks.values())


def test_classifier_works_without_red_edge_and_with_holes():
    network = classifier()
    valid = torch.ones(2, 1, 64, 64)
    valid[:, :, :16, :16] = 0
    image, reflectance = noise(2, 9, 64, 64) * valid, light(2, 9, 64, 64) * valid
    image[:, 3:6] = reflectance[:, 3:6] = 0
    out = network(image, reflectance, torch.tensor([0, 2]), valid)
    assert out.shape == (2, 4)
    assert out.isfinite().all()


def test_a_missing_group_has_the_mean_of_the_others():
    network = classifier()
    found = network.features(noise(1, 9, 64, 64), light(1, 9, 64, 64), torch.tensor([0, 2]))
    tokens = found[0, -3 * 16 :].reshape(3, 16)
    assert torch.allclose(tokens[1], (tokens[0] + tokens[2]) / 2, atol=1e-6)


def test_a_hole_in_a_uniform_window_changes_nothing():
    network = classifier()
    image, reflectance = torch.ones(1, 9, 64, 64), torch.full((1, 9, 64, 64), 0.2)
    valid = torch.ones(1, 1, 64, 64)
    whole = network.features(image, reflectance, None, valid)
    valid[:, :, 8:24, 8:24] = 0
    holed = network.features(image * valid, reflectance * valid, None, valid)
    assert torch.allclose(holed, whole, atol=1e-4)


def test_the_measurements_do_not_depend_on_the_normalisation():
    """A base that scales every window to 0..1 still sees how bright the ground is."""
    network = classifier()
    reflectance = light(1, 9, 64, 64)
    one, other = (network.features(noise(1, 9, 64, 64, seed=s), reflectance) for s in (0, 1))
    measured = sum(network.blocks.values()) - network.blocks["tokens"]
    assert torch.equal(one[:, :measured], other[:, :measured])


def test_plain_bands_are_measured_one_by_one():
    network, image = classifier(()), noise(1, 9, 64, 64)
    found = network.features(image, image)
    assert torch.allclose(found[0, :9], image.mean((2, 3))[0], atol=1e-6)


def test_a_feature_far_off_counts_no_more_than_the_limit():
    network = classifier()
    far = torch.full((1, sum(network.blocks.values())), 1e6)
    assert network.standardise(far).max() == 4


def test_holes_get_the_mean_of_what_is_valid():
    image = torch.tensor([[[[1.0, 3.0], [0.0, 0.0]]]])
    valid = torch.tensor([[[[1.0, 1.0], [0.0, 1.0]]]])
    assert torch.allclose(fill_holes(image, valid)[0, 0, 1, 0], torch.tensor(4 / 3))

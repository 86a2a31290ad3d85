"""Sizes: the published ones counted against the reference, without allocating any weight."""

import pytest
import torch

from engine.errors import InvalidParameter
from engine.model.change import ChangeNetwork
from engine.model.classifier import SceneClassifier
from engine.model.config import PRESETS, SpectralGPTConfig, preset
from engine.model.encoder import SpectralEncoder
from engine.model.masked_autoencoder import MaskedAutoencoder
from engine.model.segmentation import SegmentationNetwork


def count(network_class, *args):
    with torch.device("meta"):
        network = network_class(*args)
    assert all(weight.is_meta for weight in network.parameters())
    return sum(weight.numel() for weight in network.parameters()), len(network.state_dict())


@pytest.mark.parametrize(
    "name, size, weights, tensors",
    [
        ("base", 96, 98_496_960, 271),
        ("base", 128, 98_640_320, 271),
        ("large", 96, 315_970_752, 463),
        ("large", 128, 316_142_784, 463),
        ("huge", 96, 643_558_336, 591),
        ("huge", 128, 643_759_040, 591),
    ],
)
def test_pretraining_network_has_the_published_size(name, size, weights, tensors):
    assert count(MaskedAutoencoder, preset(name, image_size=size)) == (weights, tensors)


@pytest.mark.parametrize(
    "name, weights, tensors",
    [("base", 85_403_904, 198), ("large", 302_775_296, 390), ("huge", 630_260_480, 518)],
)
def test_encoder_has_the_published_size(name, weights, tensors):
    assert count(SpectralEncoder, preset(name)) == (weights, tensors)


def test_heads_have_the_published_size():
    base = preset("base")
    assert count(SceneClassifier, base, 10) == (85_411_594, 200)
    assert count(SegmentationNetwork, base, 13) == (109_244_946, 266)
    assert count(ChangeNetwork, base) == (109_219_591, 266)


@pytest.mark.parametrize("name, most", [("tiny", 1_500_000), ("small", 6_500_000)])
def test_our_presets_are_small(name, most):
    config = preset(name)
    assert (config.bands, config.groups) == (9, 3)
    assert 1_000_000 < count(SpectralEncoder, config)[0] < most


def test_grid_groups_and_token_values():
    config = SpectralGPTConfig(bands=10, spectral_patch=2, image_size=96)
    assert config.groups == 5
    assert config.grid == (12, 12)
    assert config.token_values == 2 * 8 * 8


@pytest.mark.parametrize("name", PRESETS)
def test_configuration_survives_a_card(name):
    values = preset(name, drop_path=0.1).to_dict()
    assert SpectralGPTConfig.from_dict({**values, "network": "change"}) == preset(
        name, drop_path=0.1
    )


@pytest.mark.parametrize(
    "sizes, hint",
    [
        ({"bands": 10}, "bands=9"),
        ({"image_size": 100}, "image_size=96"),
        ({"heads": 7}, "dim=770"),
        ({"bands": 0}, "bands=3"),
        ({"patch": 0}, "another patch"),
    ],
)
def test_sizes_that_do_not_fit_are_refused_with_one_that_does(sizes, hint):
    with pytest.raises(InvalidParameter, match=hint):
        SpectralGPTConfig(**sizes)


def test_unknown_preset_names_the_known():
    with pytest.raises(InvalidParameter, match="tiny, small, base, large, huge"):
        preset("giant")

"""The scene classifier."""

import pytest
import torch

from engine.errors import InvalidParameter
from engine.model.classifier import SceneClassifier
from engine.model.config import SpectralGPTConfig

CONFIG = SpectralGPTConfig(bands=9, image_size=32, dim=16, depth=1, heads=2)


@pytest.mark.parametrize("pooling, first", [("mean", 0), ("mean-after-first", 1)])
def test_features_are_the_normed_mean_of_the_tokens(pooling, first):
    torch.manual_seed(0)
    network = SceneClassifier(CONFIG, 4, pooling).eval()
    image = torch.rand(2, 9, 32, 32)
    tokens = network.encode(image).reshape(2, 48, 16)
    features = network.features(image)
    torch.testing.assert_close(features, network.norm(tokens[:, first:].mean(1)))
    torch.testing.assert_close(network(image), network.head(features))


def test_groups_and_window_may_differ_from_the_native():
    network = SceneClassifier(CONFIG, 4).eval()
    assert network(torch.rand(3, 9, 16, 64), torch.tensor([0, 2])).shape == (3, 4)


def test_unknown_pooling_names_the_known():
    with pytest.raises(InvalidParameter, match="mean or mean-after-first"):
        SceneClassifier(CONFIG, 4, "max")

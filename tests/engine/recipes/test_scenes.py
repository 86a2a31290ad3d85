from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.cards import Normalisation
from engine.model.config import preset
from engine.model.pixel_classifier import PixelClassifier
from engine.progress import Progress
from engine.recipes import scenes

KIND = Normalisation("statistics", (0.15,) * 9, (0.1,) * 9)
NAMES = tuple(scenes.CLASSES)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    config = preset("tiny", image_size=64, dim=16, depth=1, heads=2)
    return PixelClassifier(config, len(NAMES), KIND.mean, KIND.std, patterns=8).eval()


def features(network, separable):
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(len(NAMES)), 6)
    width = sum(network.blocks.values())
    plain = random.normal(size=(labels.size, width))
    if separable:
        plain += 4 * random.normal(size=(len(NAMES), width))[labels]
    return scenes.ChipFeatures(plain, plain + 0.01, plain - 0.01), labels


def test_separable_chips_are_all_right_when_held_out(network):
    figures, temperature = scenes.cross_validate(network, *features(network, True), NAMES)
    assert figures["overall_accuracy"] == 1.0
    assert temperature > 0
    assert set(figures["recall"]) == set(NAMES)


def test_chips_that_tell_nothing_are_right_by_chance_only(network):
    """A figure from training data would be near 1 here: 60 chips, hundreds of features."""
    figures, _ = scenes.cross_validate(network, *features(network, False), NAMES)
    assert figures["overall_accuracy"] < 0.25


def test_installed_layer_gives_the_scores_of_the_fit(network):
    chips = np.random.default_rng(1).uniform(0.02, 0.4, (20, 9, 64, 64)).astype(np.float32)
    found = scenes.measure(network, KIND, chips, chips, Progress())
    labels = np.repeat(np.arange(len(NAMES)), 2)
    model = scenes.fit(network, found, labels, np.ones(20, bool))
    scenes.install(network, model, temperature=2.0)
    image = (torch.from_numpy(chips) - 0.15) / 0.1
    with torch.no_grad():
        given = network(image).numpy()
    np.testing.assert_allclose(given, model(found.plain) / 2, atol=0.01)


def test_surface_reflectance_is_never_negative():
    chips = np.full((1, 9, 2, 2), 0.05, np.float32)
    out = scenes.to_surface(chips, np.full(9, 2.0), np.array([-0.2] + [0.1] * 8))
    np.testing.assert_allclose(out[0, :, 0, 0], [0.0] + [0.2] * 8, atol=1e-6)

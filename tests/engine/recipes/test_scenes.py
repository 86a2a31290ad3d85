from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from engine.model.predictor import Predictor
from engine.progress import Progress
from engine.recipes import scenes
from engine.recipes.collections import BANDS
from engine.train import scene_samples
from engine.train.base_model import open_base
from engine.train.scene_chips import array_chips
from engine.train.scene_samples import SceneSamples, build_scenes
from tests.engine.train import land

NAMES = tuple(scenes.CLASSES)


@pytest.fixture(scope="module")
def predictor(tmp_path_factory):
    base = open_base(land.backbone(tmp_path_factory.mktemp("base") / "b.safetensors"))
    scene_samples.PATTERNS, kept = 8, scene_samples.PATTERNS
    made = build_scenes(base, scenes.scenes_card(base, NAMES), 64)
    scene_samples.PATTERNS = kept
    return made


def features(separable):
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(len(NAMES)), 6)
    plain = random.normal(size=(labels.size, 50))
    if separable:
        plain += 4 * random.normal(size=(len(NAMES), 50))[labels]
    views = np.stack([plain, plain + 0.01, plain + 0.02, plain - 0.01]).astype(np.float32)
    chips = array_chips(np.zeros((labels.size, 9, 8, 8)), labels, len(NAMES), (0, 1, 2))
    return SceneSamples(views, np.ones(4), {"patches": 30, "tokens": 20}, chips)


def test_separable_chips_are_all_right_when_held_out():
    figures, temperature = scenes.cross_validate(features(True), NAMES)
    assert figures["overall_accuracy"] == 1.0
    assert temperature > 0
    assert set(figures["recall"]) == set(NAMES)


def test_chips_that_tell_nothing_are_right_by_chance_only():
    """A figure from training data would be near 1 here: 60 chips, fifty features."""
    figures, _ = scenes.cross_validate(features(False), NAMES)
    assert figures["overall_accuracy"] < 0.25


def test_views_are_the_chip_its_copies_the_surface_and_no_red_edge(predictor):
    images = np.random.default_rng(1).uniform(0.02, 0.4, (10, 9, 64, 64)).astype(np.float32)
    samples = scenes.measure_forms(predictor, images, images * 0.9, np.arange(10), Progress())
    assert len(samples.features) == len(samples.weight) == 3 + scene_samples.COPIES
    tokens = samples.blocks["tokens"]
    plain, reduced = samples.features[0], samples.features[-1]
    np.testing.assert_array_equal(plain[:, :-tokens], reduced[:, :-tokens])
    assert not np.allclose(plain[:, -tokens:], reduced[:, -tokens:])


def test_installed_layer_gives_the_scores_of_the_fit(predictor):
    images = np.random.default_rng(1).uniform(0.02, 0.4, (20, 9, 64, 64)).astype(np.float32)
    labels = np.repeat(np.arange(10), 2)
    samples = scenes.measure_forms(predictor, images, images * 0.9, labels, Progress())
    scenes.fit_all(predictor, samples, temperature=2.0)
    model = scenes.fit_scenes(samples, np.ones(20, bool), scenes.TOKENS)
    again = Predictor(predictor.network, dataclasses.replace(predictor.card, name="again"))
    with torch.no_grad():
        inputs = (torch.from_numpy(images), torch.ones(20, 1, 64, 64), torch.arange(3))
        given = again.logits(*inputs).numpy()
    np.testing.assert_allclose(given, model(samples.features[0].astype(float)) / 2, atol=0.02)


def test_surface_reflectance_is_never_negative():
    chips = np.full((1, len(BANDS), 2, 2), 0.05, np.float32)
    out = scenes.to_surface(chips, np.full(9, 2.0), np.array([-0.2] + [0.1] * 8))
    np.testing.assert_allclose(out[0, :, 0, 0], [0.0] + [0.2] * 8, atol=1e-6)

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from engine.cards import ModelClass, Normalisation
from engine.train import scene_samples
from engine.train.base_model import open_base
from engine.train.scene_chips import array_chips
from engine.train.scene_samples import (
    build_scenes,
    classifier,
    learn_patches,
    measure,
    whole_images,
)
from tests.engine.train import land

CLASSES = tuple(ModelClass(k + 1, f"c{k}") for k in range(3))


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return open_base(land.backbone(tmp_path_factory.mktemp("base") / "b.safetensors"))


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(scene_samples, "PATTERNS", 8)


def card(base, **changes):
    return dataclasses.replace(base.card, task="scene-classification", classes=CLASSES, **changes)


def chips(count=4):
    random = np.random.default_rng(0)
    images = random.uniform(0.02, 0.4, (count, 9, 40, 40)).astype(np.float32)
    return array_chips(images, np.arange(count) % 3, 3, (0, 1, 2))


def test_the_first_view_is_the_chip_as_it_is(base):
    predictor = build_scenes(base, card(base), 40)
    learn_patches(predictor, whole_images(chips()), 0)
    samples = measure(predictor, chips(), copies=2)
    alone = measure(predictor, chips(), copies=0)
    assert samples.features.shape == (3, 4, sum(samples.blocks.values()))
    assert samples.weight.tolist() == pytest.approx([1, 1 / 6, 1 / 6])
    np.testing.assert_array_equal(samples.features[0], alone.features[0])
    assert not np.allclose(samples.features[0], samples.features[1])


def test_the_window_is_that_of_the_chips(base):
    predictor = build_scenes(base, card(base), 40)
    assert predictor.card.window == 40
    assert predictor(*predictor.example_inputs()).shape == (2, 3)


@pytest.mark.parametrize(
    "changes",
    [
        {"normalisation": Normalisation("tile-minmax")},
        {"unit": "raw", "normalisation": Normalisation("none")},
        {"bands": land.other_bands()},
    ],
)
def test_any_base_gives_features(base, changes):
    predictor = build_scenes(base, card(base, **changes), 40)
    learn_patches(predictor, whole_images(chips()), 0)
    samples = measure(predictor, chips(), copies=1)
    assert np.isfinite(samples.features).all()
    named = "bands" if "normalisation" not in changes or "unit" in changes else "patches"
    assert named in samples.blocks
    assert classifier(predictor).network == "pixel-classifier"


def test_holes_are_filled_before_patches_are_learned():
    given = chips(1)
    valid = given.valid.copy()
    valid[:, :, :4] = 0
    (filled,) = whole_images(dataclasses.replace(given, valid=valid, image=given.image * valid))
    assert torch.allclose(filled[:, 0, 0], filled[:, 4:].mean((1, 2)), atol=1e-5)

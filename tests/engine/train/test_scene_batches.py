from __future__ import annotations

import dataclasses

import numpy as np
import torch

from engine.train.light import Light
from engine.train.scene_batches import SceneBatches, WholeScenes, targets
from engine.train.scene_chips import array_chips

DARK = Light(0.0, 0.0, 0.0)


def chips():
    """Nine scenes of class 0 at 0.1, one of class 1 at 0.5."""
    label = np.array([0] * 9 + [1])
    images = np.where(label == 0, 0.1, 0.5)[:, None, None, None] * np.ones((10, 9, 32, 32))
    return array_chips(images, label, 2, (0, 1, 2))


def drawn(loader):
    return [batch for epoch in range(3) for batch in (loader.set_epoch(epoch), *loader)[1:]]


def test_classes_are_drawn_alike_and_targets_are_shares():
    batches = drawn(SceneBatches(chips(), 16, 10, DARK))
    label = torch.cat([batch["label"] for batch in batches])
    assert label.shape == (480, 2)
    assert torch.allclose(label.sum(1), torch.ones(480), atol=1e-6)
    assert 0.4 < label[:, 1].mean() < 0.6


def test_mixed_images_agree_with_their_targets():
    for batch in drawn(SceneBatches(chips(), 8, 4, DARK)):
        mean = batch["image"].mean((1, 2, 3))
        assert torch.allclose(mean, 0.1 + 0.4 * batch["label"][:, 1], atol=1e-4)


def test_the_same_epoch_is_drawn_again():
    loader = SceneBatches(chips(), 4, 2, Light(0.4, 0.1, 0.01), seed=3)
    for first, again in zip(list(loader), list(loader)):
        assert torch.equal(first["image"], again["image"])


def test_holes_stay_empty():
    given = chips()
    valid = given.valid.copy()
    valid[:, :, :8] = 0
    holed = dataclasses.replace(given, valid=valid, image=given.image * valid)
    for batch in drawn(SceneBatches(holed, 8, 4, Light(0.4, 0.1, 0.5))):
        assert (batch["image"] * (1 - batch["valid"]) == 0).all()
        assert 0 < batch["valid"].mean() < 1


def test_whole_scenes_come_as_they_are_and_in_order():
    given = chips()
    loader = WholeScenes(given, 4)
    batches = list(loader)
    assert len(batches) == len(loader) == 3
    assert torch.equal(torch.cat([b["image"] for b in batches]), torch.from_numpy(given.image))
    assert targets(given)[-1].tolist() == [0, 1]

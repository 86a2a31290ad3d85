from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.cards import Normalisation
from engine.model.config import preset
from engine.model.pixel_segmentation import PixelSegmentation
from engine.progress import Progress
from engine.recipes import collections, landcover, landcover_labels
from engine.recipes.collections import Scene
from engine.recipes.landcover_labels import (
    BARE,
    IGNORE,
    NOT_BUILT,
    NOT_WATER,
    SHORE,
    SNOW,
    WATER,
    Labelled,
)

KIND = Normalisation("statistics", (0.15,) * 9, (0.1,) * 9)
K = len(landcover.CLASSES)


def spectrum(green, red, near, short):
    image = np.full((9, 5, 5), 0.1, np.float32)
    for band, value in zip((0, 1, 2, 6, 7, 8), (green, green, red, near, short, short)):
        image[band] = value
    return Scene("made", image, np.ones((5, 5), bool), "L2A")


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ((0.06, 0.04, 0.02, 0.01), WATER),
        ((0.05, 0.03, 0.40, 0.20), NOT_WATER),  # leaves
        ((0.70, 0.70, 0.65, 0.10), SNOW),
        ((0.25, 0.30, 0.32, 0.45), BARE),
        ((0.05, 0.05, 0.045, 0.04), IGNORE),  # shadow or wet: nobody knows
    ],
)
def test_rules_by_spectrum(values, kind):
    assert (landcover_labels.rule_labels(spectrum(*values)) == kind).all()


def test_invalid_pixels_have_no_label():
    scene = dataclasses.replace(spectrum(0.06, 0.04, 0.02, 0.01), valid=np.zeros((5, 5), bool))
    assert (landcover_labels.rule_labels(scene) == IGNORE).all()


def test_product_values_become_our_classes():
    product = np.array([[1, 2, 3, 4, 5, 6, 7, 8, 9]], np.uint8)
    expected = [[0, 1, IGNORE, 2, 3, 4, 6, IGNORE, 5]]
    assert landcover_labels.product_classes(product).tolist() == expected


def test_shrinking_takes_the_outermost_pixel_but_not_at_the_edge_of_the_image():
    mask = np.zeros((6, 6), bool)
    mask[:4, :4] = True
    expected = np.zeros((6, 6), bool)
    expected[:3, :3] = True
    assert (landcover_labels._shrink(mask) == expected).all()


@pytest.fixture
def reservoir(monkeypatch):
    """Two dates with water to column 8; the first mask stops at column 5, as if in shadow."""
    masks = {}
    for date, edge in zip(collections.BOADELLA_LABELLED, (5, 8)):
        masks[date] = np.zeros((6, 12), np.uint8)
        masks[date][:, :edge] = 1
    image = np.zeros((9, 6, 12), np.float32)

    def boadella(data, date):
        return Scene(date, image, np.ones((6, 12), bool), "L2A"), masks[date]

    monkeypatch.setattr(collections, "boadella", boadella)
    return Path("anywhere")


def test_masks_of_the_reservoir_disagree_in_the_shadow_alone(reservoir):
    agreed = landcover_labels.boadella_agreed(reservoir)
    assert agreed.all(0).tolist() == [True] * 5 + [False] * 3 + [True] * 4


def test_water_iou_by_hand():
    found, truth = np.array([1, 1, 1, 0], bool), np.array([0, 1, 1, 1], bool)
    assert landcover._water_iou(found, truth) == 0.5  # two of four


def test_not_water_costs_the_chance_of_water():
    logits = torch.zeros(1, K)
    loss = landcover.partial_loss(logits, torch.tensor([NOT_WATER]))
    assert loss.item() == pytest.approx(-math.log(1 - 1 / K), abs=1e-5)


@pytest.mark.parametrize(
    ("shore", "kind"),
    [((0.06, 0.05, 0.09, 0.08), SHORE), ((0.06, 0.05, 0.07, 0.05), NOT_BUILT)],
)
def test_a_shore_with_leaves_is_not_built(shore, kind):
    water, leaves, shore = (
        spectrum(*values).image
        for values in ((0.06, 0.04, 0.02, 0.01), (0.05, 0.03, 0.4, 0.2), shore)
    )
    image = np.concatenate([water, shore[:, :, :1], leaves], 2)
    label = landcover_labels.rule_labels(Scene("s", image, np.ones((5, 11), bool), "L2A"))
    assert (label[:, 5] == kind).all()
    assert (label[:, :5] == WATER).all()
    assert (label[:, 6:] == NOT_WATER).all()


def test_not_water_does_not_care_which_other_class_it_is():
    first, second = torch.zeros(1, K), torch.zeros(1, K)
    first[0, 1] = second[0, 4] = 2.0
    label = torch.tensor([NOT_WATER])
    assert torch.allclose(
        landcover.partial_loss(first, label), landcover.partial_loss(second, label)
    )


@pytest.fixture(scope="module")
def trained():
    """A network taught water and leaves at two places, with few steps."""
    torch.manual_seed(0)
    config = preset("tiny", image_size=128, dim=16, depth=1, heads=2)
    network = PixelSegmentation(config, K, KIND.mean, KIND.std).eval()
    random = np.random.default_rng(0)
    scenes = []
    for place in ("a", "b"):
        label = np.zeros((64, 64), np.uint8)
        label[:, 30:] = 1
        water, leaves = (
            spectrum(*v).image[:, 0, 0] for v in ((0.06, 0.04, 0.02, 0.01), (0.05, 0.03, 0.4, 0.2))
        )
        image = np.where(label == 0, water[:, None, None], leaves[:, None, None])
        image = (image * random.uniform(0.9, 1.1, image.shape)).astype(np.float32)
        scenes.append(
            Labelled(Scene(place, image, np.ones(label.shape, bool), "L2A"), label, place)
        )
    samples = landcover.draw(network, KIND, scenes, Progress())
    before = landcover.STEPS
    landcover.STEPS = 60
    landcover.learn(network, samples, Progress())
    landcover.STEPS = before
    return network, samples, scenes


def test_a_place_left_out_is_in_no_sample(trained):
    _, samples, _ = trained
    left = samples.without("a")
    assert set(samples.place.tolist()) == {0, 1}
    assert set(left.place.tolist()) == {1}
    assert len(left.context) == len(left.label) == len(left.weight) > 0


def test_classes_are_drawn_alike_and_known_chances_add_up(trained):
    _, samples, _ = trained
    chance = landcover.sampling(samples)
    label = samples.label.numpy()
    assert chance.sum() == pytest.approx(1)
    assert chance[label == 0].sum() == pytest.approx(0.5)


def test_border_inside_a_token_is_mapped_at_its_pixel(trained):
    network, _, scenes = trained
    image = np.tile(scenes[0].scene.image, (1, 3, 3))[:, :150, :140]
    scene = Scene("whole", image, np.ones((150, 140), bool), "L2A")
    found = landcover.predict(network, KIND, scene).argmax(0)
    assert found.shape == (150, 140)
    assert (found[40:100, 22:28] == 0).all()  # water up to column 29
    assert (found[40:100, 32:40] == 1).all()

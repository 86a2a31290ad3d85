"""Heads on features, by what they do: they learn, they are judged on what they have not seen."""

import dataclasses

import numpy as np
import pytest
import torch

from engine.model.feature_head import FeatureHead
from engine.train import quick_head
from engine.train.pixel_features import PixelSamples
from engine.train.quick_head import (
    HIDDEN,
    fit_hidden,
    fit_linear,
    head_scores,
    install_linear,
    judge,
    sample_weights,
)

BLOCKS = [(4, 1.0), (2, 0.5)]


@pytest.fixture(autouse=True)
def few_steps(monkeypatch):
    """These features are easy to learn."""
    monkeypatch.setattr(quick_head, "STEPS", 150)
    monkeypatch.setattr(quick_head, "BATCH", 128)


def samples(places=4, classes=3, apart=8.0, seed=0, copies=1):
    """Every class in so many places of four pixels, 100 pixels from each other."""
    random = np.random.default_rng(seed)
    count = 4 * places * classes
    unit = np.repeat(np.arange(places * classes), 4)
    label = unit % classes
    middle = apart * np.eye(classes, 6)[label]
    views = np.stack([middle + random.normal(size=(count, 6)) for _ in range(copies + 1)])
    row = 100 * unit + np.tile([0, 0, 1, 1], places * classes)
    column = np.tile([0, 1, 0, 1], places * classes)
    return PixelSamples(
        views.astype(np.float32), label, row, column, unit, np.zeros(count, np.int64)
    )


def head(hidden=0, classes=3):
    return FeatureHead(4, 2, classes, hidden).eval()


def every(found):
    return np.ones(len(found.label), bool)


def test_classes_count_alike_and_large_polygons_a_little_more():
    """Polygons of 1 and 4 pixels in class 0: 1 and 4 x 1/2 = 2 parts of its whole."""
    found = PixelSamples(
        np.zeros((1, 6, 2), np.float32),
        np.array([0, 0, 0, 0, 0, 1]),
        *np.zeros((2, 6), np.int64),
        np.array([7, 8, 8, 8, 8, 9]),
        np.zeros(6, np.int64),
    )
    weight = sample_weights(found, every(found))
    np.testing.assert_allclose(weight, [1 / 3, *[1 / 6] * 4, 1])


def test_separate_classes_are_learned_and_other_samples_recognised():
    rule = fit_linear(samples(), BLOCKS, every(samples()))
    other = samples(seed=9)
    assert (rule(other.features[0]).argmax(1) == other.label).mean() > 0.9


def test_only_the_chosen_samples_are_learned_from():
    """What was held back may hold any nonsense."""
    clean, spoilt = samples(), samples()
    chosen = clean.unit < 6
    spoilt.features[:, ~chosen] = 1e3
    one, other = (fit_linear(item, BLOCKS, chosen)(clean.features[0]) for item in (clean, spoilt))
    np.testing.assert_allclose(one, other)


def test_a_regression_sees_all_blocks_at_once():
    """The first block is the classes' mark and noise, the second the noise alone: together they tell."""
    random = np.random.default_rng(0)
    found = samples(places=400, classes=2)
    noise = 4 * random.normal(size=(*found.features.shape[:2], 2))
    found.features[..., :2] = np.eye(2)[found.label] * 4 + noise
    found.features[..., 4:] = noise
    joint, apart = (
        (
            fit_linear(found, BLOCKS, every(found), rule=rule)(found.features[0]).argmax(1)
            == found.label
        ).mean()
        for rule in ("regression", "discriminants")
    )
    assert joint > 0.95 > apart + 0.05


def test_a_regression_leaves_out_a_block_without_weight():
    """A model of change may not go by what a place looks like."""
    rule = fit_linear(samples(), [(4, 1.0), (2, 0.0)], every(samples()), rule="regression")
    assert not rule.weight[:, 4:].any() and rule.weight[:, :4].any()


def test_the_penalty_of_a_regression_goes_by_polygons_not_pixels():
    """The same pixels as one polygon a class, or each as its own: one of each is known less surely."""
    many = samples(places=8, classes=2)
    few = dataclasses.replace(many, unit=many.label)
    sure, unsure = (
        np.abs(fit_linear(found, BLOCKS, every(found), rule="regression").weight).sum()
        for found in (many, few)
    )
    assert sure > 1.2 * unsure


@pytest.mark.parametrize("absent", [0, 1, 2])
def test_a_class_that_was_held_back_whole_is_not_found(absent):
    found = samples()
    scores = fit_linear(found, BLOCKS, found.label != absent)(found.features[0])
    assert scores.shape == (len(found.label), 3)
    known = found.label != absent
    assert (scores.argmax(1) != absent).all()
    assert (scores.argmax(1) == found.label)[known].mean() > 0.9


def test_both_rules_have_an_equal_say_whatever_their_scale():
    """The mean of two rules lies between them, also where one shouts ten times as loud."""
    found = samples()
    apart, together, both = (
        fit_linear(found, BLOCKS, every(found), rule=rule)
        for rule in ("discriminants", "regression", "both")
    )
    views = found.features.reshape(-1, 6)
    spread = [
        (scores - scores.mean(1, keepdims=True)).std() for scores in (apart(views), together(views))
    ]
    expected = (apart(views) + together(views) * spread[0] / spread[1]) / 2
    np.testing.assert_allclose(both(views), expected)


@pytest.mark.parametrize("temperature", [0.5, 2.0])
def test_a_rule_in_a_head_gives_its_scores_over_the_temperature(temperature):
    found, made = samples(), head()
    rule = fit_linear(found, BLOCKS, every(found))
    install_linear(made, rule, temperature)
    expected = rule(found.features[0]) / temperature
    np.testing.assert_allclose(head_scores(made, found.features[0]), expected, atol=1e-4)


def test_a_hidden_layer_learns_and_is_the_same_every_time():
    found, one, other = samples(), head(16), head(16)
    fit_hidden(one, found, every(found), seed=5)
    torch.rand(3)
    fit_hidden(other, found, every(found), seed=5)
    scores = head_scores(one, found.features[0])
    assert (scores.argmax(1) == found.label).mean() > 0.9
    np.testing.assert_array_equal(scores, head_scores(other, found.features[0]))
    assert not one.training


def test_the_matrix_is_of_every_label_while_it_was_held_back():
    found = samples()
    judged = judge(found, BLOCKS, head(HIDDEN), 3, seed=0)
    assert judged.matrix.sum(axis=1).tolist() == [16, 16, 16]
    assert np.trace(judged.matrix) > 40
    assert (judged.folds, judged.blocks, judged.warning) == (4, 12, "")
    assert judged.temperature > 0
    assert all(0 <= figure <= 1 for figure in judged.mean_iou.values())


def test_what_can_only_be_known_by_heart_is_judged_as_unknown():
    """Features that tell the place, not the class: a head that saw the place would know it."""
    found = samples(places=6, apart=0, copies=0)
    found.features[:] = np.random.default_rng(0).normal(size=(18, 6))[found.unit]
    known = fit_linear(found, [(6, 1.0)], every(found))(found.features[0]).argmax(1)
    judged = judge(found, [(6, 1.0)], head(), 3, seed=0)
    assert np.trace(judged.matrix) / judged.matrix.sum() < (known == found.label).mean() - 0.1


def test_one_place_a_class_cannot_be_judged():
    judged = judge(samples(places=1), BLOCKS, head(HIDDEN), 3, seed=0)
    assert judged.matrix is None
    assert (judged.folds, judged.blocks, judged.hidden, judged.mean_iou) == (0, 3, 0, {})
    assert "Nothing was held back" in judged.warning
    assert "Draw every class in at least two places" in judged.warning
    assert judged.temperature > 0


def test_places_that_are_close_are_one():
    """Two polygons of each class, ten pixels apart."""
    found = samples(places=2)
    unit = found.unit
    close = PixelSamples(
        found.features, found.label, 200 * (unit % 3) + 10 * (unit // 3), found.column, unit,
        found.place,
    )  # fmt: skip
    assert judge(close, BLOCKS, head(HIDDEN), 3, seed=0).matrix is None


def test_judging_is_the_same_every_time():
    one, other = (judge(samples(apart=1), BLOCKS, head(HIDDEN), 3, seed=2) for _ in range(2))
    assert np.array_equal(one.matrix, other.matrix)
    assert (one.temperature, one.hidden, one.mean_iou) == (
        other.temperature,
        other.hidden,
        other.mean_iou,
    )

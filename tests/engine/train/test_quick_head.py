"""Heads on features, by what they do: they learn, and tell other samples apart."""

import dataclasses

import numpy as np
import pytest
import torch

from engine.train import quick_head
from engine.train.pixel_features import PixelSamples
from engine.train.quick_head import (
    fit_hidden,
    fit_linear,
    head_scores,
    install_linear,
    sample_weights,
)
from tests.engine.train.separable import BLOCKS, every, head, samples


@pytest.fixture(autouse=True)
def few_steps(monkeypatch):
    """These features are easy to learn."""
    monkeypatch.setattr(quick_head, "STEPS", 150)
    monkeypatch.setattr(quick_head, "BATCH", 128)


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

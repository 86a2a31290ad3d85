"""The last layer, by what it does on scenes it has not seen."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from engine.train.discriminant import fit_discriminant
from engine.train.linear_scores import standardised
from engine.train.logistic import fit_logistic
from engine.train.scene_chips import array_chips
from engine.train.scene_head import (
    SHRINKAGE,
    block_weights,
    deal,
    figure,
    fit_scenes,
    judge_scenes,
    scene_means,
    scene_scores,
)
from engine.train.scene_samples import SceneSamples


def samples(count=24, classes=3, apart=5.0, multi=False, seed=0, signal="patches"):
    random = np.random.default_rng(seed)
    blocks = {"patches": 6, "tokens": 4}
    if multi:
        label = (random.random((count, classes)) < 0.4).astype(np.float32)
        label[:classes] = np.eye(classes)
        known = label
    else:
        label = np.arange(count) % classes
        known = np.eye(classes)[label]
    features = random.normal(size=(2, count, 10))
    start = 0 if signal == "patches" else 6
    features[:, :, start : start + classes] += apart * known
    chips = array_chips(np.zeros((count, 9, 32, 32)), label, classes, (0, 1, 2))
    return SceneSamples(features.astype(np.float32), np.ones(2), blocks, chips)


def test_separable_scenes_are_right_when_held_out():
    judged = judge_scenes(samples(), 0)
    assert judged.figure == 1.0
    assert judged.folds == 5


def test_scenes_that_tell_nothing_are_right_by_chance_only():
    """A figure from training data would be far higher: ten features, 24 scenes."""
    assert judge_scenes(samples(120, apart=0.0), 0).figure < 0.5


def test_several_labels_are_ranked_and_judged_by_precision():
    given = samples(60, multi=True)
    judged = judge_scenes(given, 0)
    assert judged.figure > 0.95
    model = fit_scenes(given, np.ones(60, bool))
    found = scene_scores(model, given.features[0], given.chips) > 0
    assert (found == (given.chips.label > 0)).mean() > 0.95


def test_tokens_count_more_only_where_that_is_clearly_better():
    assert judge_scenes(samples(), 0).tokens == 0.5
    assert judge_scenes(samples(60, apart=4.0, signal="tokens"), 0).tokens == 3.0


def test_a_class_that_is_not_chosen_never_wins():
    given = samples()
    model = fit_scenes(given, given.chips.label != 1)
    assert model.weight.shape == (3, 10)
    assert not (scene_scores(model, given.features[0], given.chips).argmax(1) == 1).any()


def test_a_class_in_one_place_cannot_be_judged():
    given = samples()
    chips = dataclasses.replace(
        given.chips, row=np.where(given.chips.label == 0, 0, given.chips.row)
    )
    fold, _, warning = deal(chips, 0)
    assert fold is None
    assert "only one place" in warning
    judged = judge_scenes(dataclasses.replace(given, chips=chips), 0)
    assert judged.folds == 0
    assert np.isnan(judged.figure)


def test_scenes_that_overlap_are_never_in_different_parts():
    given = samples()
    row = np.arange(24) // 2 * 1000 + np.arange(24) % 2 * 20  # pairs, 20 pixels apart
    label = np.arange(24) // 2 % 3
    fold, blocks, warning = deal(dataclasses.replace(given.chips, row=row, label=label), 0)
    assert (blocks, warning) == (12, "")
    assert (fold[::2] == fold[1::2]).all()


def test_scenes_that_touch_are_parted_only_with_a_warning():
    given = samples()
    fold, _, warning = deal(dataclasses.replace(given.chips, row=np.arange(24) * 33), 0)
    assert fold is not None
    assert "Touching" in warning


def test_a_scene_is_the_mean_of_its_windows_by_what_they_show():
    chips = dataclasses.replace(
        samples(2).chips, scene=np.array([0, 0, 1]), weight=np.array([3.0, 1.0, 5.0])
    )
    means = scene_means(np.array([[0.0], [4.0], [7.0]]), chips)
    assert means.ravel().tolist() == [1.0, 7.0]


def test_accuracy_by_hand():
    scores = np.array([[1.0, 0], [0, 1], [1, 0], [1, 0]])
    assert figure(scores, np.array([0, 1, 1, 0])) == pytest.approx(0.75)


def test_blocks_that_are_not_named_count_once():
    assert block_weights({"patches": 2, "bands": 3, "tokens": 4}, 0.7) == [(2, 3), (3, 1), (4, 0.7)]


def test_the_layer_is_the_mean_of_both_rules_at_one_spread():
    given = samples()
    plain = given.features.reshape(-1, 10).astype(float)
    label = np.tile(given.chips.label, 2)
    widths, weights = block_weights(given.blocks, 0.5), np.full(48, 1 / 16)
    rules = [
        fit_discriminant(standardised(plain), label, widths, SHRINKAGE, weights)(plain),
        fit_logistic(standardised(plain), label, widths, weights, 24)(plain),
    ]
    centred = [scores - scores.mean(1, keepdims=True) for scores in rules]
    wanted = (centred[0] + centred[1] * centred[0].std() / centred[1].std()) / 2
    found = fit_scenes(given, np.ones(24, bool))(plain)
    np.testing.assert_allclose(found - found.mean(1, keepdims=True), wanted, atol=1e-6)


def test_features_that_are_all_alike_leave_every_score_finite():
    given = samples()
    given = dataclasses.replace(given, features=np.ones_like(given.features))
    assert np.isfinite(fit_scenes(given, np.ones(24, bool)).weight).all()

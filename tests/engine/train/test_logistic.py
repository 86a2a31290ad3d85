from __future__ import annotations

import numpy as np
import pytest

from engine.train.linear_scores import standardised
from engine.train.logistic import fit_logistic


def groups(classes=3, each=20, width=8, apart=3.0, seed=0):
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(classes), each)
    features = random.normal(size=(labels.size, width))
    features[:, :classes] += apart * np.eye(classes)[labels]
    return features, labels


def fit(features, labels, blocks=None, weights=None, samples=None):
    weights = np.ones(len(labels)) if weights is None else weights
    blocks = blocks or [(features.shape[1], 1.0)]
    return fit_logistic(standardised(features), labels, blocks, weights, samples or len(labels))


def test_groups_are_told_apart_in_new_samples():
    model = fit(*groups())
    features, labels = groups(seed=1)
    assert (model(features).argmax(1) == labels).mean() > 0.9


def test_more_features_than_samples_give_the_solution_that_all_features_would():
    """Features of nothing but zeros add no information, and make the system wide."""
    features, labels = groups(each=10)
    wide = np.concatenate([features, np.zeros((30, 60))], 1)
    narrow = fit(features, labels, [(8, 1.0)])(features)
    found = fit(wide, labels, [(8, 1.0), (60, 1.0)])(wide)
    np.testing.assert_allclose(found, narrow, atol=1e-2)


def test_two_classes_have_opposite_scores():
    model = fit(*groups(classes=2))
    np.testing.assert_allclose(model.weight[0], -model.weight[1])
    features, labels = groups(classes=2, seed=1)
    assert (model(features).argmax(1) == labels).mean() > 0.9


def test_a_block_without_weight_is_not_looked_at():
    features, labels = groups()
    model = fit(features, labels, [(3, 0.0), (5, 1.0)])
    np.testing.assert_allclose(model.weight[:, :3], 0.0, atol=1e-9)
    assert np.abs(model.weight[:, 3:]).max() > 0


def test_a_sample_that_does_not_count_teaches_nothing():
    features, labels = groups(classes=2)
    weights = np.ones(40)
    weights[0] = 0.0
    right, wrong = labels.copy(), labels.copy()
    wrong[0] = 1
    one, other = (fit(features, given, weights=weights) for given in (right, wrong))
    np.testing.assert_allclose(one.weight, other.weight, atol=1e-6)
    counted = fit(features, wrong)
    assert np.abs(counted.weight - one.weight).max() > 0.01


@pytest.mark.parametrize("samples", [2.0, 2000.0])
def test_the_penalty_counts_less_the_more_samples_there_are(samples):
    features, labels = groups()
    few, many = (fit(features, labels, samples=n) for n in (samples, 10 * samples))
    assert np.abs(many.weight).mean() > 1.2 * np.abs(few.weight).mean()

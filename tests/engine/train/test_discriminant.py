from __future__ import annotations

import numpy as np

from engine.train.discriminant import fit_discriminant
from engine.train.linear_scores import standardised


def data(seed=0, width=6):
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(3), 8)
    return random.normal(size=(24, width)) + 6 * np.eye(3, width)[labels], labels


def test_separate_classes_are_told_apart():
    features, labels = data()
    assert (
        fit_discriminant(standardised(features), labels, [(6, 1.0)])(features).argmax(1) == labels
    ).all()


def test_one_block_is_the_textbook_formula():
    features, labels = data()
    model = fit_discriminant(standardised(features), labels, [(6, 1.0)], shrinkage=0.3)
    standard = (features - features.mean(0)) / (features.std(0) + 1e-6)
    centres = np.stack([standard[labels == label].mean(0) for label in range(3)])
    within = standard - centres[labels]
    covariance = 0.7 * within.T @ within / 24 + 0.3 * np.eye(6)
    slope = np.linalg.solve(covariance, centres.T).T
    scores = standard @ slope.T - 0.5 * (centres * slope).sum(1)
    scores -= scores.mean(1, keepdims=True)
    np.testing.assert_allclose(model(features), scores / scores.std(), atol=1e-8)


def test_more_features_than_samples_work():
    features, labels = data(width=100)
    assert np.isfinite(
        fit_discriminant(standardised(features), labels, [(60, 1.0), (40, 2.0)])(features)
    ).all()


def test_a_block_of_weight_0_has_no_say():
    features, labels = data()
    model = fit_discriminant(standardised(features), labels, [(4, 1.0), (2, 0.0)])
    changed = features.copy()
    changed[:, 4:] += 100
    np.testing.assert_allclose(model(changed), model(features))

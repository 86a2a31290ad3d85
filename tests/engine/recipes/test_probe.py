import numpy as np
import pytest
import torch

from engine.model.config import SpectralGPTConfig
from engine.model.encoder import SpectralEncoder
from engine.recipes.probe import linear_probe, pooled_features, ridge_predict, stratified_folds


def test_every_sample_is_tested_once_and_classes_are_spread():
    labels = np.repeat([0, 1, 2], [10, 5, 7])
    folds = list(stratified_folds(labels, 5, np.random.default_rng(0)))
    assert np.sum(folds, axis=0).tolist() == [1] * 22
    for fold in folds:
        assert np.bincount(labels[fold], minlength=3).tolist()[:2] == [2, 1]
        assert 4 <= fold.sum() <= 5


def test_ridge_separates_what_a_line_can():
    random = np.random.default_rng(0)
    labels = np.repeat([3, 8], 20)
    features = random.normal(size=(40, 60)) + 2.0 * (labels == 8)[:, None]
    assert linear_probe(features, labels, repeats=2) == 1.0
    far = np.array([[-5.0] * 60, [5.0] * 60])
    assert ridge_predict(features, labels, far).tolist() == [3, 8]


def test_the_probe_is_chance_on_noise():
    random = np.random.default_rng(0)
    accuracy = linear_probe(random.normal(size=(200, 5)), np.tile([0, 1], 100), repeats=3)
    assert accuracy == pytest.approx(0.5, abs=0.12)


def test_features_hold_the_mean_of_every_group():
    sizes = {"dim": 8, "depth": 1, "heads": 2, "decoder_dim": 8, "decoder_heads": 2}
    encoder = SpectralEncoder(SpectralGPTConfig(bands=9, image_size=16, **sizes))
    image = torch.rand(5, 9, 16, 16)
    features = pooled_features(encoder, image, batch=2)
    assert features.shape == (5, 3 * 8)
    assert features == pytest.approx(pooled_features(encoder, image), abs=1e-5)

"""Linear probe: the accuracy of a linear classifier on a frozen backbone's features.

It is ridge regression on one-hot labels in closed form, without settings to tune, and deterministic.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from ..model.encoder import SpectralBackbone


@torch.no_grad()
def pooled_features(encoder: SpectralBackbone, image: Tensor, batch: int = 16) -> np.ndarray:
    """Spatial mean of each spectral group's tokens.

    Args:
        encoder: The encoder; is put into evaluation mode.
        image: Normalised images [N, C, S, S].
        batch: Images per batch.

    Returns:
        Features [N, groups * D].
    """
    encoder.eval()
    features = []
    for part in image.split(batch):
        tokens = encoder.norm(encoder.encode(part))  # [B, G, L, D]
        features.append(tokens.mean(2).flatten(1))
    return torch.cat(features).numpy()


def stratified_folds(
    labels: np.ndarray, folds: int, random: np.random.Generator
) -> Iterator[np.ndarray]:
    """Yields the mask of each fold's test samples [N]; every class is spread evenly over the folds."""
    fold = np.empty(labels.size, int)
    start = 0
    for label in np.unique(labels):
        members = random.permutation(np.flatnonzero(labels == label))
        fold[members] = (start + np.arange(members.size)) % folds
        start += members.size
    for number in range(folds):
        yield fold == number


def ridge_predict(
    train: np.ndarray, labels: np.ndarray, test: np.ndarray, penalty: float = 100.0
) -> np.ndarray:
    """Class of each test sample by ridge regression on standardised features.

    Args:
        train: Features of the training samples [N, F].
        labels: Class indices [N].
        test: Features of the test samples [M, F].
        penalty: Penalty on the squared weights. The dual form is solved, so that F may exceed N.
    """
    mean, std = train.mean(0), train.std(0) + 1e-6
    train, test = (train - mean) / std, (test - mean) / std
    classes = np.unique(labels)
    target = (labels[:, None] == classes) * 2.0 - 1.0
    offset = target.mean(0)
    kernel = train @ train.T + penalty * np.eye(len(train))
    return classes[(test @ train.T @ np.linalg.solve(kernel, target - offset) + offset).argmax(1)]


def linear_probe(features: np.ndarray, labels: np.ndarray, repeats: int = 10) -> float:
    """Accuracy of repeated stratified 5-fold cross-validation.

    Args:
        features: Features [N, F].
        labels: Class indices [N].
        repeats: Number of random divisions into five folds.
    """
    hits = []
    for repeat in range(repeats):
        for test in stratified_folds(labels, 5, np.random.default_rng(repeat)):
            predicted = ridge_predict(features[~test], labels[~test], features[test])
            hits.append(predicted == labels[test])
    return float(np.concatenate(hits).mean())

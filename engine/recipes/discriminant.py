"""Linear discriminant analysis for more features than samples, block by block, in closed form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class LinearScores:
    """Scores of classes as a linear function of features.

    Attributes:
        mean: Of each feature in training [F]. scale: its deviation [F]. weight: [K, F]. bias: [K].
        limit: Largest distance from the mean that counts, in deviations.
    """

    mean: np.ndarray
    scale: np.ndarray
    weight: np.ndarray
    bias: np.ndarray
    limit: float = 4.0

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Scores [N, K] of features [N, F]."""
        standard = np.clip((features - self.mean) / self.scale, -self.limit, self.limit)
        return standard @ self.weight.T + self.bias


def fit_discriminant(
    features: np.ndarray,
    labels: np.ndarray,
    blocks: Sequence[tuple[int, float]],
    shrinkage: float = 0.4,
) -> LinearScores:
    """Fits one discriminant to each block of features and adds their scores.

    With a few dozen samples one discriminant over everything trusts chance coincidences between
    blocks; separate ones, brought to the same spread and added, do not see them.

    Args:
        features: [N, F].
        labels: Class indices [N], 0..K-1, each present.
        blocks: Width and weight of each block, F in all.
        shrinkage: Share of the identity in each block's covariance (of standardised features).

    Returns:
        The sum as one linear function.
    """
    classes = int(labels.max()) + 1
    mean, scale = features.mean(0), features.std(0) + 1e-6
    standard = np.clip((features - mean) / scale, -4, 4)
    weights, bias = [], np.zeros(classes)
    start = 0
    for width, share in blocks:
        part = standard[:, start : start + width]
        start += width
        centres = np.stack([part[labels == label].mean(0) for label in range(classes)])  # [K, f]
        within = (part - centres[labels]) * np.sqrt((1 - shrinkage) / len(part))
        # Woodbury: the inverse of shrinkage I + within' within by an N x N system.
        small = shrinkage * np.eye(len(part)) + within @ within.T
        slope = (centres - np.linalg.solve(small, within @ centres.T).T @ within) / shrinkage
        offset = -0.5 * (centres * slope).sum(1)
        slope, offset = slope - slope.mean(0), offset - offset.mean()
        # A block that is the same in all samples has no slope and keeps silent.
        spread = share / max((part @ slope.T + offset).std(), 1e-9)
        weights.append(slope * spread)
        bias += offset * spread
    return LinearScores(mean, scale, np.concatenate(weights, 1), bias)

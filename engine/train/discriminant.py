"""Linear discriminant analysis for more features than samples, block by block, in closed form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

ABSENT = -100.0  # score of a class that was not there to learn from


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

    def among(self, there: np.ndarray, classes: int) -> LinearScores:
        """The same for all classes, of which those that were not there to learn from are never found.

        Places that share classes may take all of one along when they are held back.

        Args:
            there: Which of the classes these are [K], ascending.
            classes: How many there are.
        """
        if len(there) == classes:
            return self
        weight, bias = np.zeros((classes, self.weight.shape[1])), np.full(classes, ABSENT)
        weight[there], bias[there] = self.weight, self.bias
        return replace(self, weight=weight, bias=bias)


def fit_discriminant(
    features: np.ndarray,
    labels: np.ndarray,
    blocks: Sequence[tuple[int, float]],
    shrinkage: float = 0.4,
    weights: np.ndarray | None = None,
) -> LinearScores:
    """Fits one discriminant to each block of features and adds their scores.

    With a few dozen samples one discriminant over everything trusts chance coincidences between
    blocks; separate ones, brought to the same spread and added, do not see them.

    Args:
        features: [N, F].
        labels: Class indices [N], 0..K-1, each present.
        blocks: Width and weight of each block, F in all.
        shrinkage: Share of the identity in each block's covariance (of standardised features).
        weights: How much each sample counts [N]; all alike when None.

    Returns:
        The sum as one linear function.
    """
    classes = int(labels.max()) + 1
    share = np.ones(len(labels)) if weights is None else np.asarray(weights, np.float64)
    share = share / share.sum()  # [N]
    mean, scale = features.mean(0), features.std(0) + 1e-6
    standard = np.clip((features - mean) / scale, -4, 4)
    members = share * (labels == np.arange(classes)[:, None])  # [K, N]
    members /= members.sum(1, keepdims=True)
    slopes, bias = [], np.zeros(classes)
    start = 0
    for width, block_weight in blocks:
        part = standard[:, start : start + width]
        start += width
        centres = members @ part  # [K, f]
        within = (part - centres[labels]) * np.sqrt((1 - shrinkage) * share)[:, None]
        slope = _whitened(centres, within, shrinkage)
        offset = -0.5 * (centres * slope).sum(1)
        slope, offset = slope - slope.mean(0), offset - offset.mean()
        # A block that is the same in all samples has no slope and keeps silent.
        spread = block_weight / max((part @ slope.T + offset).std(), 1e-9)
        slopes.append(slope * spread)
        bias += offset * spread
    return LinearScores(mean, scale, np.concatenate(slopes, 1), bias)


def _whitened(centres: np.ndarray, within: np.ndarray, shrinkage: float) -> np.ndarray:
    """Centres [K, f] times the inverse of shrinkage I + within' within, by the smaller system."""
    samples, width = within.shape
    if width <= samples:
        return np.linalg.solve(shrinkage * np.eye(width) + within.T @ within, centres.T).T
    # Woodbury: the inverse by an N x N system.
    small = shrinkage * np.eye(samples) + within @ within.T
    return (centres - np.linalg.solve(small, within @ centres.T).T @ within) / shrinkage

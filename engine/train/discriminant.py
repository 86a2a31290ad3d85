"""Linear discriminant analysis for more features than samples, block by block, in closed form."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .linear_scores import LinearScores, Standardised


def fit_discriminant(
    features: Standardised,
    labels: NDArray[np.int64],
    blocks: Sequence[tuple[int, float]],
    shrinkage: float = 0.4,
    weights: NDArray[np.float64] | None = None,
) -> LinearScores:
    """Fits one discriminant to each block of features and adds their scores.

    With a few dozen samples, a discriminant on all features relies on chance correlations between
    blocks; separate ones, scaled to the same spread and added, cannot.

    Args:
        features: Standardised features [N, F].
        labels: Class indices [N], 0..K-1; every class must be present.
        blocks: Width and weight of each block, F in total.
        shrinkage: Share of the identity in each block's covariance (of standardised features).
        weights: Weight of each sample [N]; None = all equal.

    Returns:
        The sum as one linear function.
    """
    classes = int(labels.max()) + 1
    share = np.ones(len(labels)) if weights is None else np.asarray(weights, np.float64)
    share = share / share.sum()  # [N]
    members = share * (labels == np.arange(classes)[:, None])  # [K, N]
    members /= members.sum(1, keepdims=True)
    slopes, bias = [], np.zeros(classes)
    start = 0
    for width, block_weight in blocks:
        part = features.points[:, start : start + width]
        start += width
        centres = members @ part  # [K, f]
        within = (part - centres[labels]) * np.sqrt((1 - shrinkage) * share)[:, None]
        slope = _whitened(centres, within, shrinkage)
        offset = -0.5 * (centres * slope).sum(1)
        slope, offset = slope - slope.mean(0), offset - offset.mean()
        # A block that is constant over all samples has slope 0 and contributes nothing.
        spread = block_weight / max((part @ slope.T + offset).std(), 1e-9)
        slopes.append(slope * spread)
        bias += offset * spread
    return LinearScores(features.mean, features.scale, np.concatenate(slopes, 1), bias)


def _whitened(
    centres: NDArray[np.float64], within: NDArray[np.float64], shrinkage: float
) -> NDArray[np.float64]:
    """Centres [K, f] times the inverse of shrinkage I + within' within, by the smaller system."""
    samples, width = within.shape
    if width <= samples:
        system = shrinkage * np.eye(width) + within.T @ within
        return np.asarray(np.linalg.solve(system, centres.T).T, np.float64)
    # Woodbury: the inverse by an N x N system.
    small = shrinkage * np.eye(samples) + within @ within.T
    return (centres - np.linalg.solve(small, within @ centres.T).T @ within) / shrinkage

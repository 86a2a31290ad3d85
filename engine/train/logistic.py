"""Multinomial logistic regression on all blocks of features, alone or averaged with discriminants."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from .linear_scores import LinearScores, Standardised

_PENALTY = 1.0  # inverse strength of the penalty, relative to a loss summed over samples
_ITERATIONS = 1000


def fit_logistic(
    features: Standardised,
    labels: NDArray[np.int64],
    blocks: Sequence[tuple[int, float]],
    weights: NDArray[np.float64],
    samples: float,
) -> LinearScores:
    """Fits one regression to all blocks of standardised features, weighted by block.

    It models the blocks jointly, while `discriminant.fit_discriminant` adds up the evidence of
    single blocks.

    Args:
        features: Standardised features [N, F].
        labels: Class indices [N], 0..K-1; every class must be present, K at least 2.
        blocks: Width and weight of each block, F in total; a block's influence does not depend on its width.
        weights: Relative weight of each sample [N].
        samples: Effective number of samples; the more, the weaker the penalty is relative to the loss.

    Returns:
        Scores of the K classes, standardised like those of `fit_discriminant`.
    """
    size = np.concatenate([np.full(width, weight / width**0.5) for width, weight in blocks])
    points = features.points * size
    # With more features than samples, the penalty keeps the solution in the span of the samples, so solve there.
    span = np.linalg.qr(points.T).Q if len(points) < points.shape[1] else None
    fitted = LogisticRegression(C=_PENALTY, max_iter=_ITERATIONS)
    fitted.fit(points if span is None else points @ span, labels, weights * samples / weights.sum())
    slope = fitted.coef_ if span is None else fitted.coef_ @ span.T
    bias = fitted.intercept_
    if len(slope) == 1:  # for two classes scikit-learn gives the second one's coefficients only
        slope, bias = np.concatenate([-slope, slope]) / 2, np.concatenate([-bias, bias]) / 2
    return LinearScores(features.mean, features.scale, slope * size, bias)

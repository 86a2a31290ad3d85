"""Linear class scores on standardised features, whichever rule they were fitted by."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

ABSENT = -100.0  # score of a class that training did not contain
_LIMIT = 4.0  # standard deviations at which features are clipped


@dataclass(frozen=True)
class Standardised:
    """Features with mean 0 and standard deviation 1, clipped at `_LIMIT`.

    Attributes:
        points: The features [N, F].
        mean: Mean of each feature before standardising [F].
        scale: Their standard deviation before standardising [F].
    """

    points: NDArray[np.float64]
    mean: NDArray[np.float64]
    scale: NDArray[np.float64]


def standardised(features: NDArray[np.floating]) -> Standardised:
    """Standardises features [N, F]."""
    points = features.astype(np.float64)
    mean, scale = points.mean(0), points.std(0) + 1e-6
    # In place, as a further array of all copies of all pixels is a hundred megabytes.
    points -= mean
    points /= scale
    np.clip(points, -_LIMIT, _LIMIT, out=points)
    return Standardised(points, mean, scale)


@dataclass(frozen=True)
class LinearScores:
    """Scores of classes as a linear function of features.

    Attributes:
        mean: Mean of each feature in training [F].
        scale: Their standard deviation [F].
        weight: Weights of standardised features [K, F].
        bias: Bias of each class [K].
        limit: Standard deviations at which features are clipped.
    """

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    weight: NDArray[np.float64]
    bias: NDArray[np.float64]
    limit: float = _LIMIT

    def __call__(self, features: NDArray[np.floating]) -> NDArray[np.float64]:
        """Scores [N, K] of features [N, F]."""
        return self.of(np.clip((features - self.mean) / self.scale, -self.limit, self.limit))

    def of(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Scores [N, K] of features [N, F] that are standardised already."""
        return points @ self.weight.T + self.bias

    def among(self, there: NDArray[np.int64], classes: int) -> LinearScores:
        """Extends the scores to all classes; classes that training did not contain are never predicted.

        This is needed as holding out a place may hold out all labels of a class.

        Args:
            there: Indices of the fitted classes [K], ascending.
            classes: Number of all classes.
        """
        if len(there) == classes:
            return self
        weight, bias = np.zeros((classes, self.weight.shape[1])), np.full(classes, ABSENT)
        weight[there], bias[there] = self.weight, self.bias
        return replace(self, weight=weight, bias=bias)


def mean_of_both(
    first: LinearScores, second: LinearScores, points: NDArray[np.float64]
) -> LinearScores:
    """Mean of two rules on the same standardised features, the second scaled to the first's spread.

    Averaging helps as their errors differ: one adds up blocks of features, the other sees them jointly.

    Args:
        first: Scores of K classes.
        second: Another rule for the same classes, with the same mean and scale of the features.
        points: Standardised features [N, F] on which both spreads are measured.
    """
    spread = [
        (scores - scores.mean(1, keepdims=True)).std()
        for scores in (first.of(points), second.of(points))
    ]
    # A rule that found nothing scores all classes equally.
    ratio = spread[0] / spread[1] if spread[1] > 0 else 0.0
    return replace(
        first,
        weight=(first.weight + ratio * second.weight) / 2,
        bias=(first.bias + ratio * second.bias) / 2,
    )

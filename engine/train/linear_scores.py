"""Scores of classes as a linear function of standardised features, by whatever rule they were fitted."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

ABSENT = -100.0  # score of a class that was not there to learn from
_LIMIT = 4.0  # deviations; what lies farther out counts as much


@dataclass(frozen=True)
class Standardised:
    """Features with mean 0 and deviation 1, those far out cut off.

    Attributes:
        points: [N, F].
        mean: Mean of each feature before standardising [F].
        scale: Its deviation before [F].
    """

    points: NDArray[np.float64]
    mean: NDArray[np.float64]
    scale: NDArray[np.float64]


def standardised(features: NDArray[np.floating]) -> Standardised:
    """Features [N, F], standardised."""
    points = features.astype(np.float64)
    mean, scale = points.mean(0), points.std(0) + 1e-6
    # In place: with all copies of all pixels an array more is a hundred megabytes.
    points -= mean
    points /= scale
    np.clip(points, -_LIMIT, _LIMIT, out=points)
    return Standardised(points, mean, scale)


@dataclass(frozen=True)
class LinearScores:
    """Scores of classes as a linear function of features.

    Attributes:
        mean: Mean of each feature in training [F].
        scale: Its deviation [F].
        weight: [K, F], of standardised features.
        bias: [K].
        limit: Largest distance from the mean that counts, in deviations.
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
        """Scores [N, K] of features that are standardised as those in training were [N, F]."""
        return points @ self.weight.T + self.bias

    def among(self, there: NDArray[np.int64], classes: int) -> LinearScores:
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


def mean_of_both(
    first: LinearScores, second: LinearScores, points: NDArray[np.float64]
) -> LinearScores:
    """Mean of two rules for features standardised alike, the second brought to the first's spread.

    Their mistakes differ where one adds up what each block of features tells and the other sees them together.

    Args:
        first: Scores of K classes.
        second: Another rule for the same classes, with the same mean and scale of the features.
        points: Standardised features [N, F], on which the spread of either is measured.
    """
    spread = [
        (scores - scores.mean(1, keepdims=True)).std()
        for scores in (first.of(points), second.of(points))
    ]
    # Where nothing can be told from the features, either may be silent.
    ratio = spread[0] / spread[1] if spread[1] > 0 else 0.0
    return replace(
        first,
        weight=(first.weight + ratio * second.weight) / 2,
        bias=(first.bias + ratio * second.bias) / 2,
    )

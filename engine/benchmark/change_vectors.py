"""Change vector analysis: the distance between both dates in the space of standardised bands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .protocols import ChangePair

# Without red edge: all sensors have these six.
BANDS = (0, 1, 2, 6, 7, 8)


@dataclass(frozen=True)
class ChangeVectors:
    """Scores change by the length of the change vector.

    Attributes:
        otsu: Whether to use Otsu's threshold of each pair's lengths; otherwise one threshold is
            fitted to all labelled pairs (Otsu's if there are none).
    """

    otsu: bool = True

    def fit(self, pairs: Sequence[ChangePair], seed: int, seconds: float) -> ChangeVectorsModel:
        """See `protocols.ChangeMethod`; uses neither seed nor time."""
        if self.otsu or not pairs:
            return ChangeVectorsModel(1.0, True)
        scores = [vector_length(*pair[:3])[pair.valid] for pair in pairs]
        truth = np.concatenate([pair.truth[pair.valid] == 1 for pair in pairs])
        return ChangeVectorsModel(best_f1_threshold(truth, np.concatenate(scores)), False)


@dataclass(frozen=True)
class ChangeVectorsModel:
    """A threshold on lengths, or on lengths relative to Otsu's threshold."""

    threshold: float
    relative: bool

    def predict(self, before: np.ndarray, after: np.ndarray, valid: np.ndarray) -> np.ndarray:
        """See `protocols.ChangeModel`."""
        length = vector_length(before, after, valid)
        if self.relative and valid.any():
            length = length / max(otsu_threshold(length[valid]), 1e-6)
        return length.astype(np.float32)


def vector_length(before: np.ndarray, after: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Euclidean length [H, W] of the difference of two dates, with bands standardised by scene.

    Args:
        before: First date [9, H, W].
        after: Second date [9, H, W].
        valid: Valid pixels, bool [H, W]; others are excluded from the statistics and have length 0.
    """
    total = np.zeros(valid.shape, np.float64)
    for band in BANDS:
        total += (_standard(after[band], valid) - _standard(before[band], valid)) ** 2
    return np.sqrt(total) * valid


def otsu_threshold(values: np.ndarray, bins: int = 256) -> float:
    """The threshold with the largest between-class variance (Otsu 1979).

    Args:
        values: Values of any shape; clipped at their 99.9th percentile, so that a few extremes do
            not coarsen the histogram.
        bins: Number of bins of the histogram.
    """
    counts, edges = np.histogram(np.minimum(values, np.percentile(values, 99.9)), bins)
    centre = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)[:-1].astype(np.float64)
    above = counts.sum() - below
    sums = np.cumsum(counts * centre)
    mean_below = sums[:-1] / np.maximum(below, 1)
    mean_above = (sums[-1] - sums[:-1]) / np.maximum(above, 1)
    return float(edges[1:-1][(below * above * (mean_below - mean_above) ** 2).argmax()])


def best_f1_threshold(truth: np.ndarray, score: np.ndarray) -> float:
    """The threshold with the largest F1, if scores at or above it count as changed.

    It lies midway between the lowest score that counts and the next one below.

    Args:
        truth: True for changed pixels, bool [N].
        score: Scores [N].
    """
    order = np.argsort(-score, kind="stable")
    score, truth = score[order], truth[order]
    found = np.arange(1, score.size + 1)
    f1 = 2 * np.cumsum(truth) / (found + truth.sum())
    last = np.append(np.diff(score) != 0, True)  # tied scores share a threshold
    cut = int(np.where(last, f1, -1).argmax())
    return float(score[cut : cut + 2].mean(dtype=np.float64))


def _standard(band: np.ndarray, valid: np.ndarray) -> np.ndarray:
    known = band[valid].astype(np.float64)
    return (band - known.mean()) / (known.std() + 1e-6) if known.size else np.zeros(band.shape)

"""Accuracy measures in numpy: confusion matrix and measures derived from it, ranking measures for scores.

A measure with denominator 0 (such as for a class that occurs nowhere) is NaN, and means ignore NaN.
"""

from __future__ import annotations

import numpy as np


def confusion_matrix(
    truth: np.ndarray, prediction: np.ndarray, classes: int, ignore: int | None = None
) -> np.ndarray:
    """Counts of truth (rows) against prediction (columns).

    Args:
        truth: True class indices from 0, any shape.
        prediction: Predicted class indices, same shape.
        classes: Number of classes K.
        ignore: Value of `truth` to ignore.

    Returns:
        Counts, int64 [K, K].

    Raises:
        ValueError: The shapes differ, or a value lies outside 0..K-1.
    """
    truth, prediction = np.asarray(truth), np.asarray(prediction)
    if truth.shape != prediction.shape:
        raise ValueError(
            f"The truth has the shape {truth.shape}, but the prediction {prediction.shape}: they must be the same."
        )
    keep = np.ones(truth.shape, bool) if ignore is None else truth != ignore
    rows, columns = truth[keep].astype(np.int64), prediction[keep].astype(np.int64)
    for name, values in (("truth", rows), ("prediction", columns)):
        if values.size and (values.min() < 0 or values.max() >= classes):
            raise ValueError(
                f"The {name} contains values {values.min()}..{values.max()}, but only 0..{classes - 1} are possible."
            )
    return np.bincount(rows * classes + columns, minlength=classes**2).reshape(classes, classes)


def overall_accuracy(matrix: np.ndarray) -> float:
    """Share of the samples on the diagonal."""
    return _ratio(np.trace(matrix), matrix.sum()).item()


def user_accuracy(matrix: np.ndarray) -> np.ndarray:
    """Precision of each class [K]: the share of samples mapped as the class that belong to it."""
    return _ratio(np.diag(matrix), matrix.sum(axis=0))


def producer_accuracy(matrix: np.ndarray) -> np.ndarray:
    """Recall of each class [K]: the share of samples of the class that are mapped as it."""
    return _ratio(np.diag(matrix), matrix.sum(axis=1))


def f1_score(matrix: np.ndarray) -> np.ndarray:
    """Harmonic mean of precision and recall of each class [K]."""
    return _ratio(2 * np.diag(matrix), matrix.sum(axis=0) + matrix.sum(axis=1))


def iou(matrix: np.ndarray) -> np.ndarray:
    """Intersection over union of each class [K]."""
    hits = np.diag(matrix)
    return _ratio(hits, matrix.sum(axis=0) + matrix.sum(axis=1) - hits)


def mean_iou(matrix: np.ndarray) -> float:
    """Mean IoU over the classes that occur in truth or prediction."""
    values = iou(matrix)
    return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")


def kappa(matrix: np.ndarray) -> float:
    """Cohen's kappa: agreement beyond that expected by chance from the marginals."""
    total = matrix.sum()
    chance = (matrix.sum(axis=0) / total * (matrix.sum(axis=1) / total)).sum() if total else np.nan
    return _ratio(overall_accuracy(matrix) - chance, 1 - chance).item()


def roc_auc(truth: np.ndarray, score: np.ndarray) -> float:
    """Area under the ROC curve: the probability that a positive outscores a negative; ties count one half.

    Args:
        truth: True for positives, any shape.
        score: Scores, same shape, higher for positives.

    Returns:
        0..1, NaN if there are no positives or no negatives.
    """
    positive, value = np.asarray(truth).ravel().astype(bool), np.asarray(score).ravel()
    _, inverse, counts = np.unique(value, return_inverse=True, return_counts=True)
    last = np.cumsum(counts, dtype=np.float64)
    rank = (last - (counts - 1) / 2)[inverse]  # mean rank from 1 within ties
    n_positive = int(positive.sum())
    n_negative = positive.size - n_positive
    area = rank[positive].sum() - n_positive * (n_positive + 1) / 2
    return _ratio(area, float(n_positive) * n_negative).item()


def average_precision(truth: np.ndarray, score: np.ndarray) -> float:
    """Average precision: precision at each threshold, weighted by the increase in recall.

    Tied scores share a threshold. NaN without positives.
    """
    positive, value = np.asarray(truth).ravel().astype(bool), np.asarray(score).ravel()
    order = np.argsort(-value, kind="stable")
    positive, value = positive[order], value[order]
    ends = (
        np.append(np.flatnonzero(np.diff(value)), value.size - 1)
        if value.size
        else np.array([], int)
    )
    hits = np.cumsum(positive)[ends].astype(np.float64)
    precision = hits / (ends + 1)
    won = np.diff(hits, prepend=0.0)
    return _ratio((precision * won).sum(), positive.sum()).item()


def mean_average_precision(truth: np.ndarray, score: np.ndarray) -> float:
    """Mean average precision over the classes, for multi-label scenes.

    Args:
        truth: True for the classes of each scene [N, K].
        score: Scores [N, K].
    """
    values = [average_precision(truth[:, k], score[:, k]) for k in range(truth.shape[1])]
    return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")


def _ratio(numerator: np.ndarray | float, denominator: np.ndarray | float) -> np.ndarray:
    top = np.asarray(numerator, dtype=np.float64)
    bottom = np.asarray(denominator, dtype=np.float64)
    result = np.full(np.broadcast(top, bottom).shape, np.nan)
    return np.divide(top, bottom, out=result, where=bottom != 0)

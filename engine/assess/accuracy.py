"""Accuracy figures from a confusion matrix, with confidence intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..train import metrics
from .intervals import NAN, Estimate, clustered, wilson


@dataclass(frozen=True)
class Accuracy:
    """Figures of a confusion matrix.

    Attributes:
        matrix: Counts, int64 [K, K], rows true, columns mapped.
        overall: Overall accuracy, the share of correctly mapped samples.
        kappa: Cohen's kappa.
        mean_iou: Mean IoU of the classes that occur in reference or map.
        macro_f1: Mean F1 of these classes.
        precision: Precision of each class [K] (user's accuracy), with intervals.
        recall: Recall of each class [K] (producer's accuracy), with intervals.
        f1: F1 of each class [K], NaN for a class that occurs in neither.
        iou: IoU of each class [K], NaN for a class that occurs in neither.
    """

    matrix: NDArray[np.int64]
    overall: Estimate
    kappa: float
    mean_iou: float
    macro_f1: float
    precision: tuple[Estimate, ...]
    recall: tuple[Estimate, ...]
    f1: NDArray[np.float64]
    iou: NDArray[np.float64]


def accuracy_of_matrix(matrix: NDArray[Any], confidence: float = 95) -> Accuracy:
    """Figures for independent samples, with Wilson's intervals.

    Args:
        matrix: Counts [K, K], rows true, columns mapped.
        confidence: Confidence of the intervals, percent.
    """
    matrix = np.asarray(matrix, np.int64)
    hits = np.diag(matrix)
    return _accuracy(
        matrix,
        wilson(hits.sum(), matrix.sum(), confidence),
        tuple(wilson(h, n, confidence) for h, n in zip(hits, matrix.sum(axis=0))),
        tuple(wilson(h, n, confidence) for h, n in zip(hits, matrix.sum(axis=1))),
    )


def accuracy_of_clusters(
    truth: NDArray[Any],
    mapped: NDArray[Any],
    unit: NDArray[Any],
    classes: int,
    confidence: float = 95,
    weight: NDArray[Any] | None = None,
) -> Accuracy:
    """Figures for clustered samples, such as the pixels of polygons.

    Args:
        truth: True class indices [N], from 0.
        mapped: Mapped class indices [N].
        unit: Cluster of each sample [N].
        classes: Number of classes K.
        confidence: Confidence of the intervals, percent.
        weight: Number of samples that each represents [N]; one each by default.
    """
    stands = np.ones(len(truth)) if weight is None else weight
    cells = truth.astype(np.int64) * classes + mapped
    counts = np.bincount(cells, stands, classes**2).reshape(classes, classes)
    right = truth == mapped

    def of_classes(given: NDArray[Any]) -> tuple[Estimate, ...]:
        members = (given == number for number in range(classes))
        return tuple(
            clustered(right[member], unit[member], confidence, stands[member]) for member in members
        )

    return _accuracy(
        np.rint(counts).astype(np.int64),
        clustered(right, unit, confidence, stands),
        of_classes(mapped),
        of_classes(truth),
    )


def _accuracy(
    matrix: NDArray[np.int64],
    overall: Estimate,
    precision: tuple[Estimate, ...],
    recall: tuple[Estimate, ...],
) -> Accuracy:
    f1 = metrics.f1_score(matrix)
    return Accuracy(
        matrix,
        overall,
        metrics.kappa(matrix),
        metrics.mean_iou(matrix),
        float(np.nanmean(f1)) if np.isfinite(f1).any() else NAN,
        precision,
        recall,
        f1,
        metrics.iou(matrix),
    )

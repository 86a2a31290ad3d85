"""Figures that are reported during training: over all classes, and of each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..cards import ModelClass
from ..progress import Progress
from .metrics import iou, mean_iou, overall_accuracy


def figures(matrix: NDArray[np.int64], names: Sequence[str]) -> dict[str, float]:
    """Accuracy, mean IoU and, as "iou/NAME", the IoU of each class; NaN where there is nothing to judge.

    Args:
        matrix: Counts, true classes in rows [K, K].
        names: Names of the classes [K]; fewer leave the rest untold.
    """
    return {
        "accuracy": overall_accuracy(matrix),
        "miou": mean_iou(matrix),
        **{f"iou/{name}": float(value) for name, value in zip(names, iou(matrix))},
    }


def tell(progress: Progress, prefix: str, step: int, values: dict[str, float]) -> None:
    """Tells figures as metrics, each name after a prefix; those that are no numbers are left out."""
    for name, value in values.items():
        if np.isfinite(value):
            progress.metric(f"{prefix}{name}", step, value)


def titles(classes: Sequence[ModelClass]) -> list[str]:
    """What each class is called in figures."""
    return [item.title or item.name for item in classes]


def looks(classes: Sequence[ModelClass]) -> list[dict[str, str]]:
    """Title and colour of each class, for who shows the run."""
    return [{"title": title, "color": k.color} for title, k in zip(titles(classes), classes)]

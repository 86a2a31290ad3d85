"""Figures that are reported during training: over all classes, and for each class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..cards import ModelClass
from ..progress import Progress
from .metrics import iou, mean_iou, overall_accuracy


def figures(matrix: NDArray[np.int64], names: Sequence[str]) -> dict[str, float]:
    """Accuracy, mean IoU and, as "iou/NAME", the IoU of each class; NaN for a class that occurs nowhere.

    Args:
        matrix: Counts, true classes in rows [K, K].
        names: Names of the classes [K]; if there are fewer, further classes are left out.
    """
    return {
        "accuracy": overall_accuracy(matrix),
        "miou": mean_iou(matrix),
        **{f"iou/{name}": float(value) for name, value in zip(names, iou(matrix))},
    }


def tell(progress: Progress, prefix: str, step: int, values: dict[str, float]) -> None:
    """Reports figures as metrics, with a prefix to their names; leaves out NaN and infinity."""
    for name, value in values.items():
        if np.isfinite(value):
            progress.metric(f"{prefix}{name}", step, value)


def titles(classes: Sequence[ModelClass]) -> list[str]:
    """The name of each class in figures."""
    return [item.title or item.name for item in classes]


def looks(classes: Sequence[ModelClass]) -> list[dict[str, str]]:
    """Title and colour of each class, for the display of a run."""
    return [{"title": title, "color": k.color} for title, k in zip(titles(classes), classes)]

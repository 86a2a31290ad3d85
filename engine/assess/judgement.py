"""Area-adjusted figures of an evaluation, and all figures in the form of the verb's result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .accuracy import Accuracy
from .class_raster import MapClass
from .intervals import Estimate, known
from .references import Strata
from .stratified import Stratified, stratified


@dataclass(frozen=True)
class Adjusted:
    """Area-adjusted figures.

    Attributes:
        figures: The estimates.
        mapped: Area of each class in the map, square metres [K].
        warnings: What limits the estimates.
    """

    figures: Stratified
    mapped: NDArray[np.float64]
    warnings: tuple[str, ...]


def adjust(
    truth: NDArray[np.int64],
    mapped: NDArray[np.int64],
    strata: Strata | None,
    classes: Sequence[MapClass],
    confidence: float,
) -> Adjusted:
    """Area-adjusted figures of a stratified sample.

    Args:
        truth: Class index of each point [N].
        mapped: Class index of each point in the map [N].
        strata: The strata that the points were drawn from; None if they are the map's classes.
        classes: The map's classes with their areas [K].
        confidence: Confidence of the intervals, percent.
    """
    warnings = []
    areas = np.array([item.area for item in classes])
    values = [str(item.value) for item in classes]
    stratum, names, size = mapped, [item.name for item in classes], areas
    if strata is not None:
        own = np.array([values.index(name) if name in values else -1 for name in strata.names])
        off = int((own[strata.of_point] != mapped).sum())
        if off:
            # The sample was drawn from another map; the weights give the shares of its strata in the area.
            stratum, names = strata.of_point, list(strata.names)
            size = strata.pixels / strata.pixels.sum() * areas.sum()
            warnings.append(
                f"{off} of {len(mapped)} points lie on a different class of this map than the one they were drawn "
                "from, so the sample was drawn from another map. Its strata were used with their weights (Stehman "
                "2014), assuming that both maps cover the same area."
            )
    points = np.bincount(stratum, minlength=len(size))
    missing = (points == 0) & (size > 0)
    if missing.any():
        told = ", ".join(name for name, gone in zip(names, missing) if gone)
        warnings.append(
            f"No points were labelled in {told} ({size[missing].sum() / size.sum():.1%} of the map). The "
            "area-adjusted figures apply only to the rest of the map. Label points in these classes."
        )
    few = (points == 1) & (size > 0)
    if few.any():
        told = ", ".join(name for name, one in zip(names, few) if one)
        warnings.append(
            f"Only one point was labelled in {told}. Intervals that need its variance are missing."
        )
    counts = np.zeros((len(size), len(classes), len(classes)))
    np.add.at(counts, (stratum, truth, mapped), 1)
    used = np.where(missing, 0.0, size)
    return Adjusted(stratified(counts, used, confidence), areas, tuple(warnings))


def described(classes: Sequence[MapClass], accuracy: Accuracy, samples: int) -> dict[str, Any]:
    """Figures with equal weight of all samples, for the verb's result."""
    return {
        "samples": samples,
        "overall_accuracy": known(accuracy.overall.value),
        "overall_accuracy_interval": _interval(accuracy.overall),
        "kappa": known(accuracy.kappa),
        "miou": known(accuracy.mean_iou),
        "macro_f1": known(accuracy.macro_f1),
        "classes": [
            {
                "value": item.value,
                "name": item.name,
                "reference": int(accuracy.matrix[place].sum()),
                "mapped": int(accuracy.matrix[:, place].sum()),
                "precision": known(accuracy.precision[place].value),
                "precision_interval": _interval(accuracy.precision[place]),
                "recall": known(accuracy.recall[place].value),
                "recall_interval": _interval(accuracy.recall[place]),
                "f1": known(float(accuracy.f1[place])),
                "iou": known(float(accuracy.iou[place])),
            }
            for place, item in enumerate(classes)
        ],
    }


def described_adjusted(classes: Sequence[MapClass], adjusted: Adjusted) -> dict[str, Any]:
    """Area-adjusted figures for the verb's result; areas in square metres."""
    figures = adjusted.figures
    return {
        "overall_accuracy": known(figures.overall.value),
        "overall_accuracy_interval": _interval(figures.overall),
        "proportions": [[round(float(p), 8) for p in row] for row in figures.proportions],
        "classes": [
            {
                "value": item.value,
                "name": item.name,
                "user_accuracy": known(figures.user[place].value),
                "user_accuracy_interval": _interval(figures.user[place]),
                "producer_accuracy": known(figures.producer[place].value),
                "producer_accuracy_interval": _interval(figures.producer[place]),
                "mapped_area_m2": known(float(adjusted.mapped[place]), 2),
                "area_m2": known(figures.area[place].value, 2),
                "area_standard_error_m2": known(float(figures.area_error[place]), 2),
                "area_interval_m2": _interval(figures.area[place], 2),
            }
            for place, item in enumerate(classes)
        ],
    }


def _interval(estimate: Estimate, digits: int = 6) -> list[float] | None:
    low, high = known(estimate.low, digits), known(estimate.high, digits)
    return None if low is None or high is None else [low, high]

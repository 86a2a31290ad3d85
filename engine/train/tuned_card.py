"""The card of a fine-tuned model: its training data, method, accuracy and area."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
from numpy.typing import NDArray
from rasterio.windows import Window

from ..cards import Card, ModelClass, Normalisation
from ..data.grid import Grid
from ..data.label_fingerprints import FINGERPRINTS, to_keep
from ..language import marked
from ..logins import file_name
from ..training_jobs import FinetuneJob
from .base_model import Base
from .head_tuning import JOINT_PLACES, Tuned
from .metrics import (
    f1_score,
    iou,
    kappa,
    mean_iou,
    overall_accuracy,
    producer_accuracy,
    user_accuracy,
)

Area = tuple[float, float, float, float]  # west, south, east, north

_NAMED = 20  # most rasters that a card names
# Changed and unchanged pixels have equal weight in training, but in most scenes little changes. In ten unseen OSCD
# cities, heads fitted to hundreds of places had a mean F1 of .28 with a threshold of .9 and of .17 with .5; heads
# fitted to ten squares mapped about the right amount with .5 (docs/experiments.md).
_CUT, _CUT_OF_MANY = 0.5, 0.9


def card_to_be(
    base: Base, job: FinetuneJob, classes: tuple[ModelClass, ...], grids: Sequence[Grid]
) -> Card:
    """The card before training, which defines the network; without grids, with the base's pixel size."""
    name = job.name or Path(job.output_model).stem
    change = job.task == "change-detection"
    extra = {
        key: base.card.architecture[key]
        for key in ("appended_means",)
        if key in base.card.architecture
    }
    return dataclasses.replace(
        base.card,
        name=name,
        task=job.task,
        title=name,
        description=(
            f"Trained on the user's own labels of {len(classes)} classes "
            f"({', '.join(c.title for c in classes[:8])}), starting from {base.card.title or base.card.name}."
        ),
        gsd=round(float(np.median([_gsd(grid) for grid in grids] or [base.card.gsd])), 3),
        # Digital numbers of two dates are not comparable, so each date is standardised by itself.
        normalisation=Normalisation("scene-statistics") if change else base.card.normalisation,
        classes=classes,
        multilabel=job.multilabel,
        threshold=change_threshold(0) if change else {},
        architecture=extra,
        training={},
        accuracy={},
        version="1.0.0",
    )


def change_threshold(places: int) -> dict[str, Any]:
    """The threshold of a change model with so many labelled places, in the form of `Card.threshold`."""
    return {"method": "fixed", "value": _CUT if places < JOINT_PLACES else _CUT_OF_MANY}


@dataclass(frozen=True)
class LearnedFrom:
    """The labels that a model learned from.

    Attributes:
        counts: Number of labelled pixels or scenes, by class title.
        kind: "places" or "scenes".
        number: Number of places or scenes.
        area: West, south, east, north, degrees; None if unknown.
        fingerprints: By which `evaluate` recognises the labels; see `label_fingerprints`.
    """

    counts: dict[str, int]
    kind: str
    number: int
    area: Area | None = None
    fingerprints: Sequence[str] = ()


def finished_card(
    card: Card, base: Base, job: FinetuneJob, method: str, tuned: Tuned, labels: LearnedFrom
) -> Card:
    """The card after training.

    Args:
        card: The card from `card_to_be`.
        base: The base model.
        job: The checked job.
        method: The method that was used.
        tuned: The result of the training, with its accuracy on held-out labels.
        labels: The training labels.
    """
    return dataclasses.replace(
        card,
        training={
            "method": method,
            "base": {"name": base.card.name, "sha256": base.sha256},
            "rasters": [file_name(name) for name in job.inputs[:_NAMED]],
            "labels": file_name(job.labels),
            "field": job.field,
            "labelled": labels.counts,
            "area": labels.area,
            "seed": job.seed,
            labels.kind: labels.number,
            "heads": tuned.judged.mean_iou,
            "epochs": len(tuned.history),
            FINGERPRINTS: to_keep(labels.fingerprints),
        },
        accuracy=_accuracy(card, tuned),
    )


def _accuracy(card: Card, tuned: Tuned) -> dict[str, Any]:
    """Figures on held-out labels with an interval; for multi-label scenes, mean average precision."""
    if card.multilabel and tuned.accuracy is not None:
        return {"map": round(tuned.accuracy.value, 4), "measure": tuned.measure}
    if tuned.matrix is None:
        return tuned.interval or {"measure": marked("not assessed: no labels could be held back")}
    return {
        **tuned.interval,
        **figures_of(tuned.matrix, card.classes),
        "measure": tuned.measure,
        "confusion": tuned.matrix.tolist(),  # true classes in rows
    }


def figures_of(matrix: NDArray[np.int64], classes: Sequence[ModelClass]) -> dict[str, Any]:
    """Figures on held-out labels for a card, overall and by class."""
    columns = {
        "precision": user_accuracy(matrix),
        "recall": producer_accuracy(matrix),
        "f1": f1_score(matrix),
        "iou": iou(matrix),
    }
    return {
        "overall_accuracy": _rounded(overall_accuracy(matrix)),
        "kappa": _rounded(kappa(matrix)),
        "miou": _rounded(mean_iou(matrix)),
        "macro_f1": _rounded(float(np.nanmean(columns["f1"]))),
        "classes": {
            item.title: {name: _rounded(values[k]) for name, values in columns.items()}
            for k, item in enumerate(classes)
        },
        "samples": int(matrix.sum()),
    }


def labelled_area(grid: Grid, row: NDArray[np.int64], column: NDArray[np.int64]) -> Area | None:
    """West, south, east and north of pixels, degrees (WGS 84); None if there are none or they have no coordinates."""
    if not len(row):
        return None
    first, start = int(row.min()), int(column.min())
    window = Window(start, first, int(column.max()) - start + 1, int(row.max()) - first + 1)
    crs = pyproj.Transformer.from_crs(grid.crs.to_wkt(), "EPSG:4326", always_xy=True)
    left, bottom, right, top = grid.window_bounds(window)
    bounds = crs.transform_bounds(left, bottom, right, top, densify_pts=5)
    if not np.isfinite(bounds).all():
        return None
    west, south, east, north = (round(float(value), 5) for value in bounds)
    return west, south, east, north


def joined_area(areas: Sequence[Area | None]) -> Area | None:
    """The bounding box of several boxes; None if there are none."""
    known = np.array([area for area in areas if area is not None])
    if not len(known):
        return None
    west, south = known[:, :2].min(0).tolist()
    east, north = known[:, 2:].max(0).tolist()
    return west, south, east, north


def _gsd(grid: Grid) -> float:
    middle = Window(grid.width // 2, grid.height // 2, 1, 1)
    return float(grid.pixel_area(middle)[0, 0]) ** 0.5


def _rounded(value: float) -> float | None:
    return round(float(value), 4) if np.isfinite(value) else None

"""Accuracy of a change model on places with a change map, when run as by a user."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.transform import from_origin

from ..infer.detect_change import detect_change
from ..jobs import ChangeJob
from ..progress import Progress
from ..train.metrics import average_precision, roc_auc
from . import collections
from .change_evidence import COMMON, standardise
from .collections import BANDS, Scene


def evaluate(model: Path, data: Path, progress: Progress) -> dict[str, Any]:
    """Measures a change model on the ten labelled OSCD cities and on Taizhou, run as by a user.

    Args:
        model: An .onnx file of the task change-detection.
        data: Root of the shared collections.
        progress: Takes progress and log.

    Returns:
        "oscd": for each city the area under the ROC curve and average precision of the model and of change vector
        analysis, and F1, precision and recall at the model's own threshold; "mean" over the cities;
        "cities_above_cva"; "taizhou"; "measure" as text.
    """
    cities = collections.oscd_cities(data, labelled=True)
    places = {}
    for number, city in enumerate(cities):
        progress.update(number / len(cities), f"Measuring on {city}")
        before, after, truth = collections.oscd_pair(data, city)
        places[city] = measure(model, before, after, np.asarray(truth))
        progress.log(f"{city}: {places[city]}")
    names = [name for name in next(iter(places.values())) if name != "changed"]
    mean = {
        name: round(float(np.mean([place[name] for place in places.values()])), 4) for name in names
    }
    landsat = measure(model, *collections.taizhou(data))
    return {
        "oscd": places,
        "mean": mean,
        "cities_above_cva": sum(p["roc_auc"] > p["roc_auc_cva"] for p in places.values()),
        "taizhou": landsat,
        "measure": (
            "pixels of a whole scene at 10 m, through the verb detect-change; roc_auc_cva is change-vector "
            "analysis on six bands, each standardised by image; f1, precision and recall at the "
            "threshold that the model finds in the scene; taizhou is Landsat 7 without red edge, "
            "its sparsely labelled pixels only"
        ),
    }


def measure(model: Path, before: Scene, after: Scene, truth: np.ndarray) -> dict[str, float]:
    """Measures a model on one pair; truth is 0, 1, or 255 where unlabelled."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        earlier, later, classes, probability = (
            folder / f"{part}.tif" for part in ("before", "after", "classes", "probability")
        )
        write_scene(earlier, before)
        write_scene(later, after)
        job = ChangeJob(
            before=str(earlier),
            after=str(later),
            model=str(model),
            output=str(classes),
            probability=str(probability),
        )
        detect_change(job, Progress())
        with rasterio.open(probability) as source:
            score = source.read(1)
        with rasterio.open(classes) as source:
            found = source.read(1) == 1
    known = (truth != 255) & (score >= 0)
    real, found, score = truth[known] == 1, found[known], score[known]
    moved = (standardise(after.image) - standardise(before.image))[list(COMMON)]
    vector = np.sqrt(np.square(moved).sum(0))[known]
    hits = float((real & found).sum())
    figures = {
        "roc_auc": roc_auc(real, score),
        "roc_auc_cva": roc_auc(real, vector),
        "average_precision": average_precision(real, score),
        "average_precision_cva": average_precision(real, vector),
        "f1": 2 * hits / max(1.0, float(real.sum() + found.sum())),
        "precision": hits / max(1.0, float(found.sum())),
        "recall": hits / max(1.0, float(real.sum())),
        "changed": float(real.mean()),
    }
    return {name: round(value, 4) for name, value in figures.items()}


def write_scene(path: Path, scene: Scene) -> None:
    """Writes a scene as users have it: one raster with named bands, without missing ones."""
    bands = [i for i in range(len(BANDS)) if i // 3 in scene.groups]
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=scene.image.shape[2],
        height=scene.image.shape[1],
        count=len(bands),
        dtype="float32",
        crs="EPSG:32631",
        transform=from_origin(500000, 5000000, 10, 10),
    ) as target:
        target.write(scene.image[bands])
        target.descriptions = tuple(BANDS[i] for i in bands)

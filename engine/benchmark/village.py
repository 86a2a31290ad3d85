"""Land cover from one, two or three digitised polygons per class, tested on all other polygons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..progress import Progress
from ..recipes import collections
from ..train.metrics import confusion_matrix, f1_score, overall_accuracy
from .protocols import LabelledImage, PixelMethod
from .scoreboard import Scoreboard, Trial, timed, told_draws

DRAWS = 20
POLYGONS = (1, 2, 3)
ABOUT = (
    "RStoolbox's village scene, L2A, 25 polygons of four classes; overall accuracy and mean F1 over "
    "the pixels of all polygons that were not drawn for training, {draws}. Differences are paired "
    "over the draws."
)


@dataclass(frozen=True)
class Village:
    """A scene with polygons.

    Attributes:
        image: Reflectance float32 [9, H, W].
        valid: Valid pixels, bool [H, W].
        label: Classes from 1, 0 where unlabelled [H, W].
        polygon: Numbers of polygons from 1, 0 for none [H, W].
    """

    image: np.ndarray
    valid: np.ndarray
    label: np.ndarray
    polygon: np.ndarray


def measure(
    data: Path,
    methods: Sequence[tuple[str, PixelMethod]],
    repeats: int,
    progress: Progress,
    village: Village | None = None,
    first: int = 0,
) -> Scoreboard:
    """Measures every method on the same draws.

    Args:
        data: Root of the collections.
        methods: Names and methods.
        repeats: Number of draws; 0 = `DRAWS`.
        progress: Takes the progress.
        village: A scene to use instead.
        first: Number of the first draw.
    """
    if village is None:
        scene, label, polygon = collections.rstoolbox(data)
        village = Village(scene.image, scene.valid, label, polygon)
    draws = range(first, first + (repeats or DRAWS))
    board = Scoreboard("Village", ABOUT.format(draws=told_draws(draws)))
    plan = [
        (count, seed, name, method)
        for count in POLYGONS
        for seed in draws
        for name, method in methods
    ]
    for number, (count, seed, name, method) in enumerate(plan):
        progress.update(number / len(plan), f"Village: {name}, {count} polygons, draw {seed}")
        _trial(board, village, count, seed, name, method)
    return board


def draw_polygons(village: Village, count: int, seed: int) -> np.ndarray:
    """Numbers of `count` polygons of each class, drawn at random."""
    random = np.random.default_rng(seed)
    drawn = []
    for label in np.unique(village.label[village.label > 0]):
        numbers = np.unique(village.polygon[(village.label == label) & (village.polygon > 0)])
        drawn.append(random.permutation(numbers)[:count])
    return np.concatenate(drawn)


def _trial(
    board: Scoreboard, village: Village, count: int, seed: int, name: str, method: PixelMethod
) -> None:
    known = (village.label > 0) & (village.polygon > 0) & village.valid
    drawn = np.isin(village.polygon, draw_polygons(village, count, seed))
    row, column = np.nonzero(known & drawn)
    target = village.label.astype(np.int64) - 1
    classes = int(village.label.max())
    scene = LabelledImage(
        village.image,
        village.valid,
        row,
        column,
        target[row, column],
        village.polygon[row, column].astype(np.int64),
        classes,
    )
    model, fit_seconds = timed(method.fit, scene, seed)
    probability, predict_seconds = timed(model.predict, village.image, village.valid)
    test = known & ~drawn
    matrix = confusion_matrix(target[test], probability.argmax(0)[test], classes)
    figures = {
        "overall accuracy": overall_accuracy(matrix),
        "mean F1": float(np.nanmean(f1_score(matrix))),
    }
    experiment = f"{count} polygon{'s' if count > 1 else ''} a class"
    board.add(Trial(experiment, "", name, figures, fit_seconds, predict_seconds))
    for measure_name, value in figures.items():
        board.pair(experiment, "", measure_name, name, [seed], [value])

"""Water from a few small patches of one date, mapped on the same and on another date."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.ndimage import minimum_filter

from ..errors import EmptyArea
from ..progress import Progress
from ..recipes import collections
from ..train.metrics import confusion_matrix, iou
from .protocols import LabelledImage, PixelMethod
from .scoreboard import Scoreboard, Trial, timed, told_draws

DRAWS = 20
PATCH = 5
# Pixels; the digitised shore is accurate to a pixel or two only.
BORDER = 2
PATCHES = (10, 3)
ABOUT = (
    "Boadella, one reservoir, L2A; IoU of water. Training: ten or three patches of 5 x 5 pixels a "
    "class from one date, at least 2 pixels from the shore of the mask, {draws}, both directions. On "
    "the date of training its pixels do not count. Differences are paired over the draws."
)


@dataclass(frozen=True)
class Date:
    """One date and its water mask.

    Attributes:
        image: Reflectance float32 [9, H, W].
        valid: Valid pixels, bool [H, W].
        water: The mask, bool [H, W].
    """

    image: np.ndarray
    valid: np.ndarray
    water: np.ndarray


@dataclass(frozen=True)
class Patches:
    """Pixels of training patches [N]; label 1 is water, unit is the number of the patch."""

    row: np.ndarray
    column: np.ndarray
    label: np.ndarray
    unit: np.ndarray


def measure(
    data: Path,
    methods: Sequence[tuple[str, PixelMethod]],
    repeats: int,
    progress: Progress,
    dates: Mapping[str, Date] | None = None,
    first: int = 0,
) -> Scoreboard:
    """Measures every method on the same draws.

    Args:
        data: Root of the collections.
        methods: Names and methods.
        repeats: Number of draws; 0 = `DRAWS`.
        progress: Takes the progress.
        dates: Dates by name to use instead.
        first: Number of the first draw.
    """
    dates = dates or {name: _read(data, name) for name in collections.BOADELLA_LABELLED}
    draws = range(first, first + (repeats or DRAWS))
    board = Scoreboard("Water", ABOUT.format(draws=told_draws(draws)))
    plan = [
        (count, trained, seed, name, method)
        for count in PATCHES
        for trained in dates
        for seed in draws
        for name, method in methods
    ]
    for number, (count, trained, seed, name, method) in enumerate(plan):
        progress.update(number / len(plan), f"Water: {name}, {count} patches, draw {seed}")
        _trial(board, dates, trained, count, seed, name, method)
    return board


def draw_patches(water: np.ndarray, valid: np.ndarray, count: int, seed: int) -> Patches:
    """Draws squares within one class, away from its border, that do not overlap.

    Args:
        water: Water mask, bool [H, W].
        valid: Valid pixels, bool [H, W]; patches contain only such pixels.
        count: Number of patches per class.
        seed: Seed of the draw.

    Raises:
        EmptyArea: The mask has no room for so many patches.
    """
    random = np.random.default_rng(seed)
    rows, columns, labels, units = [], [], [], []
    unit = 0
    for label in (0, 1):
        inside = ((water == bool(label)) & valid).astype(np.uint8)
        free = minimum_filter(inside, PATCH + 2 * BORDER, mode="constant") > 0
        for _ in range(count):
            centres = np.argwhere(free)
            if not len(centres):
                raise EmptyArea(
                    f"The mask has no room for {count} patches of {PATCH} x {PATCH} pixels in each "
                    "class. Give a larger scene, or ask for fewer patches."
                )
            row, column = centres[random.integers(len(centres))]
            square = np.mgrid[-(PATCH // 2) : PATCH // 2 + 1, -(PATCH // 2) : PATCH // 2 + 1]
            rows.append((row + square[0]).ravel())
            columns.append((column + square[1]).ravel())
            labels.append(np.full(PATCH**2, label))
            units.append(np.full(PATCH**2, unit))
            unit += 1
            # A later patch with a centre nearer than a side would overlap this one.
            free[
                max(0, row - PATCH + 1) : row + PATCH, max(0, column - PATCH + 1) : column + PATCH
            ] = False
    return Patches(*(np.concatenate(part) for part in (rows, columns, labels, units)))


def _read(data: Path, name: str) -> Date:
    scene, mask = collections.boadella(data, name)
    return Date(scene.image, scene.valid, np.asarray(mask) == 1)


def _trial(
    board: Scoreboard,
    dates: Mapping[str, Date],
    trained: str,
    count: int,
    seed: int,
    name: str,
    method: PixelMethod,
) -> None:
    source = dates[trained]
    patches = draw_patches(source.water, source.valid, count, seed)
    training = (patches.row, patches.column, patches.label, patches.unit)
    scene = LabelledImage(source.image, source.valid, *training, 2)
    model, fit_seconds = timed(method.fit, scene, seed)
    experiment = f"{count} patches a class"
    for mapped, date in dates.items():
        probability, predict_seconds = timed(model.predict, date.image, date.valid)
        counts = date.valid.copy()
        if mapped == trained:
            counts[patches.row, patches.column] = False
        matrix = confusion_matrix(date.water[counts], probability.argmax(0)[counts], 2)
        figures = {"IoU": float(iou(matrix)[1])}
        place = f"{trained} to {'itself' if mapped == trained else mapped}"
        board.add(Trial(experiment, place, name, figures, fit_seconds, predict_seconds))
        board.pair(experiment, place, "IoU", name, [seed], figures.values())

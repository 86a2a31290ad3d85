"""Scene classification from few labels: EuroSAT chips, five and eight per class, and repeated 5-fold."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..progress import Progress
from ..recipes import collections
from ..recipes.probe import stratified_folds
from .protocols import SceneMethod
from .scoreboard import Scoreboard, Trial, timed

REPEATS = 10
FOLDS = 5
FEW = (5, 8)
ABOUT = (
    "EuroSAT, ten classes, 89 chips (8 to 11 a class), L1C; accuracy over all test chips. Of 5 and 8 "
    "chips a class the rest is tested; classes with no chip to spare give 7 instead of 8 (the "
    "collection has too few chips for 10 a class). In 5-fold every chip is tested once a repeat. "
    "Differences are paired over the chips, each by its mean over the repeats."
)


def measure(
    data: Path,
    methods: Sequence[tuple[str, SceneMethod]],
    repeats: int,
    progress: Progress,
    collection: tuple[np.ndarray, np.ndarray, int] | None = None,
) -> Scoreboard:
    """Measures every method on the same draws.

    Args:
        data: Root of the collections.
        methods: Names and methods.
        repeats: Number of draws of each experiment; 0 = `REPEATS`.
        progress: Takes the progress.
        collection: Chips [N, 9, 64, 64], labels [N] and number of classes, to use instead of EuroSAT.
    """
    if collection is None:
        chips, labels, names = collections.eurosat(data)
        collection = chips, labels, len(names)
    board = Scoreboard("Scenes", ABOUT)
    repeats = repeats or REPEATS
    for seed in range(repeats):
        for number, (name, method) in enumerate(methods):
            progress.update((seed + number / len(methods)) / repeats, f"Scenes: {name}, {seed}")
            for few in FEW:
                train = few_a_class(collection[1], few, np.random.default_rng(seed))
                _trial(board, f"{few} chips a class", collection, [train], name, method, seed)
            random = np.random.default_rng(seed)
            folds = [~test for test in stratified_folds(collection[1], FOLDS, random)]
            _trial(board, f"{FOLDS}-fold", collection, folds, name, method, seed)
    return board


def few_a_class(labels: np.ndarray, few: int, random: np.random.Generator) -> np.ndarray:
    """Training mask [N] with `few` chips per class, fewer if a class would have no chip left for testing."""
    train = np.zeros(labels.size, bool)
    for label in np.unique(labels):
        members = random.permutation(np.flatnonzero(labels == label))
        train[members[: min(few, members.size - 1)]] = True
    return train


def _trial(
    board: Scoreboard,
    experiment: str,
    collection: tuple[np.ndarray, np.ndarray, int],
    divisions: Sequence[np.ndarray],
    name: str,
    method: SceneMethod,
    seed: int,
) -> None:
    """Fits on each training mask and tests on the remaining chips; adds one trial over all of them."""
    chips, labels, classes = collection
    tested, hits, fit_seconds, predict_seconds = [], [], [], []
    for train in divisions:
        model, seconds = timed(method.fit, chips[train], labels[train], classes, seed)
        fit_seconds.append(seconds)
        scores, seconds = timed(model.predict, chips[~train])
        predict_seconds.append(seconds)
        tested.append(np.flatnonzero(~train))
        hits.append(scores.argmax(1) == labels[~train])
    chip, hit = np.concatenate(tested), np.concatenate(hits)
    board.pair(experiment, "", "accuracy", name, chip.tolist(), hit)
    board.add(
        Trial(
            experiment,
            "",
            name,
            {"accuracy": float(hit.mean())},
            float(np.mean(fit_seconds)),
            float(np.mean(predict_seconds)),
        )
    )

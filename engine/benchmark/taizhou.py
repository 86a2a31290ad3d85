"""Change between two Landsat images without training labels: Taizhou, 2000 and 2003."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..progress import Progress
from ..recipes import collections
from .oscd import change_figures
from .protocols import ChangeMethod, ChangePair
from .scoreboard import Scoreboard, Trial, timed

UNLABELLED = 255
ABOUT = (
    "Taizhou, Landsat 7, six bands as digital numbers, 30 m, nothing learned here; F1, average "
    "precision and area under ROC over the sparsely labelled pixels (17,163 unchanged, 4,227 changed)."
)


def measure(
    data: Path,
    methods: Sequence[tuple[str, ChangeMethod]],
    repeats: int,
    progress: Progress,
    pair: ChangePair | None = None,
) -> Scoreboard:
    """Measures every method without labels: `fit` gets no pairs and no time.

    Args:
        data: Root of the collections.
        methods: Names and methods.
        repeats: Not used, as nothing is random.
        progress: Takes the progress.
        pair: A pair to use instead; its truth is 255 where unlabelled.
    """
    if pair is None:
        before, after, truth = collections.taizhou(data)
        pair = ChangePair(before.image, after.image, before.valid & after.valid, truth)
    board = Scoreboard("Change, Landsat", ABOUT)
    known = pair.valid & (pair.truth != UNLABELLED)
    for number, (name, method) in enumerate(methods):
        progress.update(number / len(methods), f"Taizhou: {name}")
        model, fit_seconds = timed(method.fit, [], 0, 0.0)
        score, predict_seconds = timed(model.predict, *pair[:3])
        score = np.asarray(score)[known]
        figures = change_figures(pair.truth[known] == 1, score, score >= model.threshold)
        board.add(Trial("no labels", "taizhou", name, figures, fit_seconds, predict_seconds))
    return board

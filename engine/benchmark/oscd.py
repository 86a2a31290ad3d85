"""Urban change in unseen cities: OSCD, with two cities left out of training at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..progress import Progress
from ..recipes import collections
from ..train.metrics import average_precision, roc_auc
from .protocols import ChangeMethod, ChangePair
from .scoreboard import Scoreboard, Trial, processor_timed

SEEDS = 3
SECONDS = 180.0
# Fixed folds; Paris and its neighbour Bercy share one, so that neither is trained on to test the other.
FOLDS = (
    ("abudhabi", "pisa"),
    ("aguasclaras", "nantes"),
    ("beihai", "bordeaux"),
    ("bercy", "paris"),
    ("hongkong", "saclay_e"),
)
POOLED = "all cities"
ABOUT = (
    "OSCD's ten labelled cities, L1C, pixels of 10 m; two cities left out at a time "
    f"({'; '.join(' and '.join(fold) for fold in FOLDS)}). The threshold of F1 is chosen without the "
    "cities tested. Training has the same processor time for every method that trains, and all times "
    "are CPU seconds of all threads together. Pooled: the pixels of all cities together. "
    "Differences are paired over the cities, each by its mean over the seeds."
)


def measure(
    data: Path,
    methods: Sequence[tuple[str, ChangeMethod]],
    repeats: int,
    progress: Progress,
    seconds: float = SECONDS,
    pairs: Mapping[str, ChangePair] | None = None,
    folds: Sequence[Sequence[str]] = FOLDS,
) -> Scoreboard:
    """Measures every method on every city, trained on the cities of the other folds.

    Args:
        data: Root of the collections.
        methods: Names and methods.
        repeats: Number of seeds; 0 = `SEEDS`.
        progress: Takes progress and log.
        seconds: Processor time for training on a fold.
        pairs: Pairs by city to use instead of the collection.
        folds: Cities that are left out together.
    """
    pairs = pairs or {city: _read(data, city) for fold in folds for city in fold}
    trials = _Trials(Scoreboard("Change", ABOUT), pairs, folds, seconds)
    repeats = repeats or SEEDS
    plan = [(seed, name, method) for seed in range(repeats) for name, method in methods]
    for number, (seed, name, method) in enumerate(plan):
        part = progress.part(number / len(plan), (number + 1) / len(plan))
        trials.run(seed, name, method, part)
    return trials.board


def change_figures(truth: np.ndarray, score: np.ndarray, found: np.ndarray) -> dict[str, float]:
    """Average precision and area under the ROC curve of scores, and F1 of the mapped change.

    Args:
        truth: True for changed pixels, bool [N].
        score: Scores [N].
        found: True for pixels mapped as changed, bool [N].
    """
    hits = float((truth & found).sum())
    return {
        "average precision": average_precision(truth, score),
        "AUC": roc_auc(truth, score),
        "F1": 2 * hits / max(1.0, float(truth.sum() + found.sum())),
    }


def _read(data: Path, city: str) -> ChangePair:
    before, after, truth = collections.oscd_pair(data, city)
    return ChangePair(before.image, after.image, before.valid & after.valid, np.asarray(truth))


@dataclass(frozen=True)
class _Trials:
    """What all trials share; see `measure`."""

    board: Scoreboard
    pairs: Mapping[str, ChangePair]
    folds: Sequence[Sequence[str]]
    seconds: float

    def run(self, seed: int, name: str, method: ChangeMethod, progress: Progress) -> None:
        """Measures one method with one seed on all folds."""
        experiment = "two cities left out"
        parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        fit_times, predict_times = [], []
        for number, fold in enumerate(self.folds):
            progress.update(
                number / len(self.folds), f"Change: {name} without {' and '.join(fold)}"
            )
            training = [pair for city, pair in self.pairs.items() if city not in fold]
            model, fit_seconds = processor_timed(method.fit, training, seed, self.seconds)
            fit_times.append(fit_seconds)
            for city in fold:
                pair = self.pairs[city]
                score, predict_seconds = processor_timed(model.predict, *pair[:3])
                predict_times.append(predict_seconds)
                score, truth = score[pair.valid], pair.truth[pair.valid] == 1
                parts.append((truth, score, score >= model.threshold))
                figures = change_figures(*parts[-1])
                self.board.add(Trial(experiment, city, name, figures, fit_seconds, predict_seconds))
                # A run takes hours, so log figures at once, in case it is interrupted.
                told = ", ".join(f"{measure} {value:.3f}" for measure, value in figures.items())
                progress.log(f"{name}, seed {seed}, {city}: {told}")
                for measure_name, value in figures.items():
                    self.board.pair(experiment, "", measure_name, name, [city], [value])
        pooled = change_figures(*(np.concatenate(part) for part in zip(*parts)))
        times = float(np.mean(fit_times)), float(np.mean(predict_times))
        self.board.add(Trial(experiment, POOLED, name, pooled, *times))

"""Estimates the duration of a training from measured durations of earlier ones."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from ... import settings
from ...i18n import tr

KEPT = 30  # runs
# Seconds from the start of the engine to its first round, which do not depend on the labels.
START = 8.0
# The number from which engine/train/method.py chooses "adapters", if the user leaves the method open.
MANY_LABELS = 200


@dataclass(frozen=True)
class Run:
    """A training and its duration.

    Attributes:
        task: Option of the algorithm's TASK parameter.
        method: "quick", "adapters" or "full".
        device: The user's choice: "auto", "cpu" or "gpu".
        labels: Number of polygons or points; 0 for a class raster.
        pixels: Number of labelled pixels.
        rounds: Number of rounds, 0 for automatic.
        seconds: Time from the click to the finished model.
    """

    task: str
    method: str
    device: str
    labels: int
    pixels: int
    rounds: int
    seconds: float


# docs/accuracy.md, "Cost": two cores, the shipped backbone, a scene of 1000 x 1000 pixels.
PUBLISHED = (
    Run("segmentation", "quick", "auto", 10, 0, 0, 23.0),
    Run("segmentation", "adapters", "auto", 10, 0, 0, 223.0),
    Run("segmentation", "full", "auto", 10, 0, 0, 223.0),
)


def kept_runs() -> list[Run]:
    """The stored trainings on this machine, the latest last."""
    try:
        return [Run(**item) for item in json.loads(settings.value("training_runs") or "[]")]
    except (TypeError, ValueError):
        return []  # written by another version


def keep_run(run: Run) -> None:
    """Stores a training, and drops the oldest."""
    runs = [*kept_runs(), run][-KEPT:]
    settings.set_value("training_runs", json.dumps([asdict(item) for item in runs]))


def likely_method(method: str, task: str, labels: int) -> str:
    """The method that "auto" becomes on a machine without a GPU; other methods stay."""
    if method != "auto":
        return method
    return "adapters" if task != "change" and labels >= MANY_LABELS else "quick"


def expected_time(wanted: Run, runs: Sequence[Run]) -> str:
    """A sentence about the expected time.

    Args:
        wanted: The training to estimate; its seconds are ignored.
        runs: Earlier trainings on this machine.
    """
    alike = [
        run
        for run in runs
        if (run.task, run.method, run.device) == (wanted.task, wanted.method, wanted.device)
        and bool(run.rounds) == bool(wanted.rounds)
    ]
    if alike:
        # The one most similar in size, and of several the latest.
        model = min(reversed(alike), key=lambda run: abs(_size(run) - _size(wanted)))
        return tr(
            "Expected time: about {time}, based on an earlier training on this computer ({earlier})."
        ).format(time=duration(_scaled(model, wanted)), earlier=duration(model.seconds))
    for published in PUBLISHED if wanted.method == "quick" or not wanted.rounds else ():
        if (wanted.task, wanted.method) == (published.task, published.method):
            time = duration(_scaled(published, wanted))
            return tr(
                "Expected time: about {time}, measured on another computer. After your first training, the time of "
                "this computer is shown."
            ).format(time=time)
    return tr("Expected time: not known before the first training of this kind on this computer.")


def duration(seconds: float) -> str:
    """A duration such as "20 s", "3 min" or "1 h 20 min", rounded as suits an estimate."""
    if seconds < 10:
        return tr("{} s").format(max(1, round(seconds)))
    if seconds < 90:
        return tr("{} s").format(5 * round(seconds / 5))
    minutes = round(seconds / 60)
    if minutes < 60:
        return tr("{} min").format(minutes)
    return tr("{hours} h {minutes} min").format(hours=minutes // 60, minutes=minutes % 60)


def _size(run: Run) -> float:
    """The quantity that determines the time: labels for "quick", rounds for the other methods."""
    if run.method == "quick":
        return float(max(run.labels, 1))
    return float(max(run.rounds, 1))


def _scaled(model: Run, wanted: Run) -> float:
    start = min(START, model.seconds)
    return start + (model.seconds - start) * _size(wanted) / _size(model)

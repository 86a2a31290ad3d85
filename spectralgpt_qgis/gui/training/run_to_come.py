"""Describes the training that would start now, to estimate its time."""

from __future__ import annotations

from ...tasks.label_count import LabelCounts
from .expected_time import Run, likely_method
from .training_setup import TrainingSetup


def run_to_come(setup: TrainingSetup, counts: LabelCounts | None) -> Run:
    """Describes the planned training, with a duration of 0.

    Args:
        setup: The user's setup.
        counts: The label counts; None while they are not known.
    """
    options = setup.options
    found = counts.classes.values() if counts is not None else ()
    labels = sum(item.features for item in found)
    return Run(
        setup.task,
        likely_method(options.method, setup.task, labels),
        options.device,
        labels,
        round(sum(item.pixels for item in found)),
        options.rounds,
        0.0,
    )

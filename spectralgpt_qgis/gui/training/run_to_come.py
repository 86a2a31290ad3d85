"""The training that would start now, as runs are told apart for their time."""

from __future__ import annotations

from ...tasks.label_count import LabelCounts
from .expected_time import Run, likely_method
from .training_setup import TrainingSetup


def run_to_come(setup: TrainingSetup, counts: LabelCounts | None) -> Run:
    """Describes it; it has taken no time yet.

    Args:
        setup: What is chosen.
        counts: How much is labelled; None while it is not known.
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

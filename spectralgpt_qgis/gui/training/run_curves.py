"""Chooses the curves of a run: by round where weights are trained, by part where only a head is fitted."""

from __future__ import annotations

from ...i18n import tr
from .curve_chart import LOSS, SCORE, SECOND, Curve, CurveChart
from .run_record import PART, ROUND, RunRecord


def show_run(record: RunRecord, chart: CurveChart, running: bool) -> None:
    """Shows the curves of a run.

    Args:
        record: Record of the run.
        chart: The chart to draw in.
        running: Whether the run is still going on.
    """
    series = record.series
    if "loss" in series or any(name.startswith(ROUND) for name in series):
        curves = _scores(record, ROUND)
        curves.append(Curve(tr("Training loss"), LOSS, series.get("loss", {}), is_share=False))
        chart.show_curves(curves, record.rounds, tr("Epoch"), record.best_round())
    elif record.judged_parts:
        chart.show_curves(_scores(record, PART), record.parts, tr("Parts assessed"))
    elif running or not record.facts:
        chart.show_message(tr("The curves appear after the first results on held-back labels."))
    else:
        chart.show_message(tr("There are no curves, because no labels were held back."))


def _scores(record: RunRecord, prefix: str) -> list[Curve]:
    """The scores on held-back labels; first the one by which the best round is chosen."""
    titles = {
        "miou": tr("Mean overlap (IoU)"),
        "accuracy": tr("Accuracy"),
        "map": tr("Mean average precision"),
    }
    found = [(prefix + name, title) for name, title in titles.items()]
    found = [(name, title) for name, title in found if name in record.series]
    return [
        Curve(title, color, record.series[name])
        for (name, title), color in zip(found, (SCORE, SECOND))
    ]

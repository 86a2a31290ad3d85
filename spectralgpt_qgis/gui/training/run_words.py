"""Sentences about a run: its state, its end, and what a cancel would keep."""

from __future__ import annotations

from ...i18n import tr
from .run_record import RunRecord


def elapsed(seconds: float) -> str:
    """The elapsed time, such as "0:07", "12:30" or "1:02:03"."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def judged_on(record: RunRecord) -> str:
    """A sentence about the labels on which the scores of the classes were measured."""
    if record.best_round() is not None and record.round_done:
        return tr("On held-back labels, after epoch {done} of at most {rounds}:").format(
            done=record.round_done, rounds=record.rounds
        )
    if record.best_round() is not None:
        return tr("On held-back labels, before the first epoch:")
    if record.judged_parts:
        return tr("On held-back labels, {done} of {parts} parts:").format(
            done=record.judged_parts, parts=record.parts
        )
    return tr("No results on held-back labels yet.")


def kept_by_cancel(record: RunRecord, cancelling: bool) -> str:
    """A sentence about what a cancel would keep.

    Args:
        record: Record of the run.
        cancelling: Whether the run is being cancelled already.
    """
    if cancelling:
        return tr("'Stop now' stops immediately and keeps nothing.") if record.keeps else ""
    if not record.keeps:
        return tr("There is no model yet: if you cancel, nothing is saved.")
    best = record.best_round()
    if best is None or not record.round_done:
        return tr("If you cancel, the model is kept as it is now.")
    if not best[0]:
        return tr("If you cancel, the model from before the first epoch is kept, the best so far.")
    return tr("If you cancel, the model of epoch {best} is kept, the best so far.").format(
        best=best[0]
    )


def ended(record: RunRecord, cancelled: bool, seconds: float) -> str:
    """A sentence about the end of a run that produced a model.

    Args:
        record: Record of the run.
        cancelled: Whether the user cancelled it.
        seconds: Its duration.
    """
    best = record.best_round()
    if cancelled and best is not None and best[0]:
        return tr("Stopped early. The model of epoch {best}, the best so far, was kept.").format(
            best=best[0]
        )
    if cancelled and (best is not None or not record.round_done):
        return tr("Stopped early. The model from before the first epoch was kept.")
    if cancelled:
        return tr("Stopped early. The model of the last epoch was kept.")
    if best is not None and best[0]:
        return tr("Done in {time}. The model of epoch {best}, the best one, was kept.").format(
            time=elapsed(seconds), best=best[0]
        )
    return tr("Done in {time}.").format(time=elapsed(seconds))

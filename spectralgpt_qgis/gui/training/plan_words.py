"""Describes what a training will do, so that users need not open the advanced options to know."""

from __future__ import annotations

from ...i18n import tr
from .expected_time import MANY_LABELS, Run


def plan(asked: str, run: Run, base: str) -> str:
    """A sentence about what happens to the base model.

    Args:
        asked: The chosen method, which may be "auto".
        run: The planned training, with the method that "auto" becomes.
        base: Title of the base model; empty while none is chosen.
    """
    if not base:
        return ""
    return (_decided(run) if asked == "auto" else _chosen(asked)).format(
        base=base, labels=run.labels, many=MANY_LABELS
    )


def _decided(run: Run) -> str:
    if run.task == "change":
        return tr(
            "Decided automatically: '{base}' is not changed, and only a last layer is trained (quick)."
        )
    if not run.labels:
        return tr(
            "Starts from '{base}'. How much of it is trained depends on your labels and your computer."
        )
    if run.method == "quick":
        return tr(
            "Decided automatically: '{base}' is not changed, and only a last layer is trained (quick). This suits "
            "fewer than {many} labels; there are {labels}."
        )
    return tr(
        "Decided automatically: with {labels} labels, '{base}' is trained as well: all of it with a working GPU "
        "(full), otherwise a small part (adapters), or none of it if it is large (quick)."
    )


def _chosen(method: str) -> str:
    return {
        "quick": tr("'{base}' is not changed, and only a last layer is trained (quick)."),
        "adapters": tr("A small part of '{base}' is trained as well (adapters)."),
        "full": tr("All of '{base}' is trained (full), which needs many labels and a GPU."),
    }[method]

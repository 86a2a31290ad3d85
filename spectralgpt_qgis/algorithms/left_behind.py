"""Cleans up after an engine that was killed: removes its hidden folders, and finds work that can be resumed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

# As engine/infer/staging.py and engine/infer/journal.py name them.
SCRATCH = ".spectralgpt-"
KEPT = f"{SCRATCH}resume-"
OUTPUTS = (
    "output",
    "confidence",
    "probability",
    "output_vector",
    "areas",
    "output_model",
    "output_report",
    "output_table",
    "output_reconstruction",
)


def absolute_outputs(job: dict[str, Any]) -> dict[str, str]:
    """The job's output files with absolute paths: the engine has another working folder than qgis_process."""
    # Other verbs have numbers under such a name: evaluate's `confidence` is a percentage.
    given = {name: job.get(name) for name in OUTPUTS}
    return {
        name: os.path.abspath(path)
        for name, path in given.items()
        if isinstance(path, str) and path
    }


def remove_abandoned(job: dict[str, Any], pid: int | None) -> None:
    """Removes the hidden folders that an engine writes into, which one that was killed leaves behind.

    Args:
        job: Its outputs tell the folders to look into.
        pid: Id of the engine's process; None when it never started.
    """
    if pid is None:
        return
    for folder in {Path(output).parent for output in absolute_outputs(job).values()}:
        for abandoned in folder.glob(f"{SCRATCH}{pid}-*"):
            shutil.rmtree(abandoned, ignore_errors=True)


def keeps_rows(job: dict[str, Any], temporary: str) -> bool:
    """Whether the finished rows, or labels, of a killed engine wait for the next run of the same job.

    Args:
        job: The engine's job.
        temporary: A folder whose outputs get another name in the next run: there they are removed.
    """
    rows = _kept_rows(job)
    if rows is None or not rows.exists():
        return False
    if Path(temporary) in rows.parents:
        rows.unlink(missing_ok=True)
        return False
    return True


def remove_rows(job: dict[str, Any]) -> None:
    """Removes the finished work of an engine that was killed because the user did not wait for it."""
    rows = _kept_rows(job)
    if rows is not None:
        rows.unlink(missing_ok=True)


def _kept_rows(job: dict[str, Any]) -> Path | None:
    output = job.get("output")
    if not isinstance(output, str) or not output:
        return None
    path = Path(output)
    return path.with_name(KEPT + path.name)

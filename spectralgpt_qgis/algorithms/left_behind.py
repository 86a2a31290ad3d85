"""Cleans up after an engine that was killed: removes its hidden folders, and finds work that can be resumed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

# The same names as in engine/infer/staging.py and engine/infer/journal.py.
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
    """The job's output files with absolute paths, as the engine's working folder is not that of qgis_process."""
    # The same name may be a number in another job: `confidence` of evaluate is a percentage.
    given = {name: job.get(name) for name in OUTPUTS}
    return {
        name: os.path.abspath(path)
        for name, path in given.items()
        if isinstance(path, str) and path
    }


def remove_abandoned(job: dict[str, Any], pid: int | None) -> None:
    """Removes the hidden folders that the engine writes into, which remain if it is killed.

    Args:
        job: The engine's job; the hidden folders are beside its outputs.
        pid: Process id of the engine; None if it never started.
    """
    if pid is None:
        return
    for folder in {Path(output).parent for output in absolute_outputs(job).values()}:
        for abandoned in folder.glob(f"{SCRATCH}{pid}-*"):
            shutil.rmtree(abandoned, ignore_errors=True)


def keeps_rows(job: dict[str, Any], temporary: str) -> bool:
    """Whether a killed engine left finished rows, or labels, from which the next run of the same job can resume.

    Args:
        job: The engine's job.
        temporary: Folder of temporary outputs. The next run names these differently and could not resume, so the
            finished work there is removed.
    """
    rows = _kept_rows(job)
    if rows is None or not rows.exists():
        return False
    if Path(temporary) in rows.parents:
        rows.unlink(missing_ok=True)
        return False
    return True


def remove_rows(job: dict[str, Any]) -> None:
    """Removes the rows kept for a resume, when the engine was killed because the user did not want to wait."""
    rows = _kept_rows(job)
    if rows is not None:
        rows.unlink(missing_ok=True)


def _kept_rows(job: dict[str, Any]) -> Path | None:
    output = job.get("output")
    if not isinstance(output, str) or not output:
        return None
    path = Path(output)
    return path.with_name(KEPT + path.name)

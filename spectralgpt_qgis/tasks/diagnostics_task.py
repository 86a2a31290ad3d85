"""Collects the diagnostics report in a task, as the engine's disk may be slow."""

from __future__ import annotations

from ..diagnostics import report
from ..i18n import tr
from .base import BaseTask


class DiagnosticsTask(BaseTask):
    """Collects the diagnostics report; the result is its text."""

    def __init__(self) -> None:
        """Makes the task."""
        super().__init__(tr("SpectralGPT diagnostics report"), hidden=True)

    def _run(self) -> str:
        return report()

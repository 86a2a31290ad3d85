"""Gathering the diagnostics report as a task: the engine's disk may be slow."""

from __future__ import annotations

from ..diagnostics import report
from ..i18n import tr
from .base import BaseTask


class DiagnosticsTask(BaseTask):
    """The result is the report's text."""

    def __init__(self) -> None:
        """Gathers nothing yet."""
        super().__init__(tr("SpectralGPT diagnostics report"), hidden=True)

    def _run(self) -> str:
        return report()

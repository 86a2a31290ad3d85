"""Runs the engine's self-test in a task."""

from __future__ import annotations

from typing import Any

from qgis.PyQt.QtCore import pyqtSignal

from .. import engine_access
from ..engine_client import EngineCancelled, EngineFailed
from ..i18n import tr
from .base import BaseTask, TaskCancelled


class EngineTest(BaseTask):
    """Runs the engine's verb `doctor` for the installed tier."""

    reported = pyqtSignal(float, str)  # percent, a line for the log

    def __init__(self) -> None:
        """Makes the task."""
        super().__init__(tr("Verify the SpectralGPT engine"))

    def _run(self) -> dict[str, Any]:
        status = engine_access.status()
        if not status.usable:
            raise EngineFailed("EngineMissing", engine_access.why_not_ready())
        try:
            return engine_access.client().run(
                "doctor",
                {"tier": status.tier},
                on_progress=self._on_progress,
                is_cancelled=self.isCanceled,
            )
        except EngineCancelled as error:
            raise TaskCancelled from error

    def _on_progress(self, fraction: float, message: str, seconds: float | None) -> None:
        self.setProgress(100 * fraction)
        self.reported.emit(100 * fraction, tr("Testing {}").format(message))

"""Runs a job of the engine in a task, for jobs that are not Processing algorithms."""

from __future__ import annotations

from typing import Any

from qgis.PyQt.QtCore import pyqtSignal

from ..engine_client import EngineCancelled, EngineClient
from ..i18n import time_left
from .base import BaseTask, TaskCancelled


class EngineTask(BaseTask):
    """Runs one job; a cancel is passed on to the engine's process at once."""

    advanced = pyqtSignal(float, str, str)  # percent, message, time left
    logged = pyqtSignal(str)
    warned = pyqtSignal(str)
    measured = pyqtSignal(str, int, float)  # name, step, value of a metric

    def __init__(
        self,
        description: str,
        client: EngineClient,
        verb: str,
        parameters: dict[str, Any],
        hidden: bool = False,
    ) -> None:
        """Make the task; the job starts when the task manager runs it.

        Args:
            description: Shown in the task manager.
            client: Client of the engine, not shared with other tasks.
            verb: The engine's verb.
            parameters: The fields of the verb's job.
            hidden: Keeps it out of the task manager's list, for queries that are answered at once.
        """
        super().__init__(description, hidden)
        self._client = client
        self._verb = verb
        self._parameters = parameters

    def cancel(self) -> None:
        """Stop the task and the engine."""
        self._client.cancel()
        super().cancel()

    def _run(self) -> dict[str, Any]:
        try:
            return self._client.run(
                self._verb,
                self._parameters,
                on_progress=self._on_progress,
                on_log=self.logged.emit,
                on_warning=self.warned.emit,
                on_metric=self.measured.emit,
                is_cancelled=self.isCanceled,
            )
        except EngineCancelled as error:
            raise TaskCancelled from error

    def _on_progress(self, fraction: float, message: str, seconds: float | None) -> None:
        # Only for display: the client handles a cancel.
        self.setProgress(100 * fraction)
        self.advanced.emit(100 * fraction, message, time_left(seconds))

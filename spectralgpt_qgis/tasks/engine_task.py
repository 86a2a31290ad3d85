"""A job of the engine as a task, for what is not started from Processing."""

from __future__ import annotations

from typing import Any

from qgis.PyQt.QtCore import pyqtSignal

from ..engine_client import EngineCancelled, EngineClient
from ..i18n import time_left
from .base import BaseTask, TaskCancelled


class EngineTask(BaseTask):
    """Runs one job; a cancel reaches the engine's process at once."""

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
        """Keep the job; it starts when the task manager gets the task.

        Args:
            description: What the task manager shows.
            client: The door to the engine; one a task.
            verb: The engine's verb.
            parameters: The fields of its job.
            hidden: Keeps it out of the task manager's list: a question that is answered at once.
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
        # The engine is asked to stop by the client; here is only what there is to see.
        self.setProgress(100 * fraction)
        self.advanced.emit(100 * fraction, message, time_left(seconds))

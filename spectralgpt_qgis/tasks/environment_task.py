"""Installs or repairs the engine's environment in a task."""

from __future__ import annotations

from typing import Any

from qgis.PyQt.QtCore import pyqtSignal

from ..engine_environment import EngineEnvironment, InstallCancelled, Status
from ..engine_messages import in_users_language
from .base import BaseTask, TaskCancelled


class EnvironmentTask(BaseTask):
    """Runs ``EngineEnvironment.install`` or ``repair``; the old environment keeps working meanwhile."""

    reported = pyqtSignal(float, str)  # percent, a line for the log

    def __init__(
        self, description: str, environment: EngineEnvironment, action: str, **options: Any
    ) -> None:
        """Make the task.

        Args:
            description: Shown in the task manager.
            environment: The environment to work on.
            action: ``"install"`` or ``"repair"``.
            options: Arguments of that method, such as tier, accelerator and sources.
        """
        super().__init__(description)
        self._act = {"install": environment.install, "repair": environment.repair}[action]
        self._options = options

    def _run(self) -> Status:
        try:
            return self._act(report=self._report, is_cancelled=self.isCanceled, **self._options)
        except InstallCancelled as error:
            raise TaskCancelled from error

    def _report(self, fraction: float, message: str) -> None:
        self.setProgress(100 * fraction)
        self.reported.emit(100 * fraction, in_users_language(message))

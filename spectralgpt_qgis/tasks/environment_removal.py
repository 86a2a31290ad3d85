"""Removes the engine's environment in a task, as deleting its thousands of files takes a while."""

from __future__ import annotations

from ..engine_environment import EngineEnvironment
from .base import BaseTask


class EnvironmentRemoval(BaseTask):
    """Runs ``EngineEnvironment.remove``, which keeps the user's models."""

    def __init__(self, description: str, environment: EngineEnvironment) -> None:
        """Make the task.

        Args:
            description: Shown in the task manager.
            environment: The environment to remove.
        """
        super().__init__(description)
        self._environment = environment

    def _run(self) -> None:
        self._environment.remove()

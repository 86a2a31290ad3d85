"""Removing the engine's environment as a task: thousands of small files."""

from __future__ import annotations

from ..engine_environment import EngineEnvironment
from .base import BaseTask


class EnvironmentRemoval(BaseTask):
    """Runs ``EngineEnvironment.remove``; the user's models stay."""

    def __init__(self, description: str, environment: EngineEnvironment) -> None:
        """Keep what to remove.

        Args:
            description: What the task manager shows.
            environment: The environment to remove.
        """
        super().__init__(description)
        self._environment = environment

    def _run(self) -> None:
        self._environment.remove()

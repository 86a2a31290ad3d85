"""Reads the state of the engine's environment in a task, as its disk may be slow or asleep."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import NamedTuple

from qgis.PyQt.QtCore import pyqtSignal

from ..engine_environment import EngineEnvironment, Status
from ..i18n import tr
from ..install_size import free_space
from .base import BaseTask, TaskCancelled


class EngineState(NamedTuple):
    """State of the engine's environment.

    Attributes:
        status: Status of the environment.
        home: The engine's home folder.
        free: Free space there in bytes; None if it cannot be determined.
        size: Size of the engine in bytes; None until it has been measured.
    """

    status: Status
    home: Path
    free: int | None
    size: int | None = None


class EngineStateTask(BaseTask):
    """Reads the state, then measures the folder, which takes longer as it holds thousands of files."""

    seen = pyqtSignal(object)  # an EngineState without a size

    def __init__(self, environment: EngineEnvironment, measure: bool = True) -> None:
        """Make the task.

        Args:
            environment: The environment.
            measure: Whether to add up the sizes of its files too.
        """
        super().__init__(tr("Check the SpectralGPT engine"), hidden=True)
        self._environment = environment
        self._measure = measure

    def _run(self) -> EngineState:
        home = self._environment.home
        free = None
        with contextlib.suppress(OSError):
            free = free_space(home)
        state = EngineState(self._environment.status(), home, free)
        if not self._measure or state.status.state == "missing":
            return state
        self.seen.emit(state)
        return state._replace(size=self._folder_size(home / "engine"))

    def _folder_size(self, root: Path) -> int:
        total = 0
        for folder, _, names in os.walk(root):
            if self.isCanceled():
                raise TaskCancelled
            for name in names:
                # Files may disappear while an installation is running.
                with contextlib.suppress(OSError):
                    total += os.lstat(os.path.join(folder, name)).st_size
        return total

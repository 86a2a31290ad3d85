"""Looking at the engine's environment as a task: the disk it is on may be slow, or asleep."""

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
    """What was seen.

    Attributes:
        status: Status of the environment.
        home: The engine's home folder.
        free: Bytes that are free there; None when the disk does not tell.
        size: Bytes that the engine takes; None while that is not measured.
    """

    status: Status
    home: Path
    free: int | None
    size: int | None = None


class EngineStateTask(BaseTask):
    """Sees the state, then measures the folder: thousands of small files."""

    seen = pyqtSignal(object)  # an EngineState without a size

    def __init__(self, environment: EngineEnvironment, measure: bool = True) -> None:
        """Keep where to look.

        Args:
            environment: The environment.
            measure: Whether to add up its files too.
        """
        super().__init__(tr("Look at the SpectralGPT engine"), hidden=True)
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
                # A file may go while an installation runs.
                with contextlib.suppress(OSError):
                    total += os.lstat(os.path.join(folder, name)).st_size
        return total

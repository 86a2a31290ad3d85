"""Measuring a folder as a task: thousands of small files."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from .base import BaseTask, TaskCancelled


class FolderSize(BaseTask):
    """Adds up the sizes of all files in a folder; the result is in bytes."""

    def __init__(self, description: str, folder: Path) -> None:
        """Keep what to measure.

        Args:
            description: What the task manager shows.
            folder: May not exist; then the result is 0.
        """
        super().__init__(description)
        self._folder = folder

    def _run(self) -> int:
        total = 0
        for folder, _, names in os.walk(self._folder):
            if self.isCanceled():
                raise TaskCancelled
            for name in names:
                # A file may go while an installation runs.
                with contextlib.suppress(OSError):
                    total += os.lstat(os.path.join(folder, name)).st_size
        return total

"""Base class of all tasks: a worker thread does the work, the main thread reports the outcome."""

from __future__ import annotations

from typing import Any, ClassVar

from qgis.core import QgsApplication, QgsTask
from qgis.PyQt.QtCore import pyqtSignal

from ..engine_messages import in_users_language


class TaskCancelled(Exception):
    """Raised in _run() to end a task that was cancelled; not an error."""


class BaseTask(QgsTask):
    """Subclasses implement :meth:`_run`; callers connect to `succeeded`, `failed` and `stopped`.

    Exactly one of these signals is emitted, on the main thread. Keep a reference to the task until
    then. _run() must not touch widgets or layers.
    """

    succeeded = pyqtSignal(object)  # the result
    failed = pyqtSignal(str, str)  # message, details
    stopped = pyqtSignal()  # cancelled

    _running: ClassVar[set[BaseTask]] = set()

    def __init__(self, description: str, hidden: bool = False) -> None:
        """Make a task that can be cancelled.

        Args:
            description: Shown in the task manager.
            hidden: Keeps it out of the task manager's list, if QGIS supports that (since 3.26).
        """
        flags = QgsTask.Flag.CanCancel
        if hidden and hasattr(QgsTask.Flag, "Hidden"):
            flags |= QgsTask.Flag.Hidden
        super().__init__(description, flags)
        self.result: Any = None
        self.exception: Exception | None = None

    def start(self) -> None:
        """Give the task to QGIS, with a reference to it: QGIS crashes if Python deletes a task that is running."""
        self._running.add(self)
        QgsApplication.taskManager().addTask(self)

    def run(self) -> bool:
        """Do the work and keep its outcome; called by QGIS on the worker thread."""
        try:
            self.result = self._run()
        except TaskCancelled:
            return False
        # An exception that leaves this method crashes QGIS, so finished() reports it instead.
        except Exception as error:
            self.exception = error
            return False
        return True

    def finished(self, result: bool) -> None:
        """Emit how it ended; called by QGIS on the main thread."""
        self._running.discard(self)
        if result:
            self.succeeded.emit(self.result)
        elif self.exception is not None:
            self.failed.emit(*self._describe(self.exception))
        else:
            self.stopped.emit()

    def _run(self) -> Any:
        """Do the work on the worker thread and return the result."""
        raise NotImplementedError

    def _describe(self, error: Exception) -> tuple[str, str]:
        """Return the message and the details of an error; details may be empty for errors written for the user."""
        message = getattr(error, "message", "")
        if message:
            return in_users_language(message), getattr(error, "details", "")
        return f"{type(error).__name__}: {error}", repr(error)

"""Runs an algorithm in the background, one run at a time, for panels that start several in a row."""

from __future__ import annotations

import time
from typing import Any

from processing.tools import dataobjects
from qgis.core import QgsApplication
from qgis.PyQt.QtCore import QObject, pyqtSignal

from ...tasks.algorithm_feedback import AlgorithmFeedback
from ...tasks.algorithm_task import AlgorithmTask


class BackgroundRun(QObject):
    """Starts and cancels runs; each emits exactly one of `succeeded`, `failed` and `stopped`, unless forgotten."""

    changed = pyqtSignal(bool)  # whether a run is going on
    advanced = pyqtSignal(float, str, object)  # percent, current step, seconds left or None
    logged = pyqtSignal(str)
    warned = pyqtSignal(str)
    measured = pyqtSignal(str, int, float)
    described = pyqtSignal(object)
    succeeded = pyqtSignal(object)  # the algorithm's outputs
    failed = pyqtSignal(str, str)  # message, details
    stopped = pyqtSignal()

    def __init__(self, parent: QObject | None = None) -> None:
        """Starts without a run."""
        super().__init__(parent)
        self._task: AlgorithmTask | None = None
        self._began = 0.0
        self.result: dict[str, Any] = {}  # the engine's result of the last run
        # When QGIS is closed it waits for its tasks, which is useless for results that nobody will see.
        QgsApplication.instance().aboutToQuit.connect(self.forget)

    @property
    def running(self) -> bool:
        """Whether a run is going on, or being stopped."""
        return self._task is not None

    @property
    def cancelling(self) -> bool:
        """Whether the run is being stopped."""
        return self._task is not None and self._task.feedback.isCanceled()

    @property
    def seconds(self) -> float:
        """Seconds since the start of the run."""
        return time.monotonic() - self._began

    def start(self, algorithm_id: str, parameters: dict[str, Any], dry: bool = False) -> bool:
        """Starts a run; one that cannot start ends in `failed` at once.

        Args:
            algorithm_id: Such as ``"spectralgpt:segment"``.
            parameters: As for ``processing.run``.
            dry: Whether only to estimate the run; the answer is the `estimate` of `result`.

        Returns:
            Whether it was started; False while another run is going on.
        """
        if self.running:
            return False
        self._began, self.result = time.monotonic(), {}
        feedback = AlgorithmFeedback(dry)
        for name in ("advanced", "logged", "warned", "measured", "described"):
            getattr(feedback, name).connect(getattr(self, name))
        context = dataobjects.createContext(feedback)
        # `running_tools` finds the run by this title, to end it before the plugin is unloaded.
        known = QgsApplication.processingRegistry().algorithmById(algorithm_id)
        title = known.displayName() if known is not None else algorithm_id
        task = AlgorithmTask(title, algorithm_id, parameters, context, feedback)
        problem = task.prepare()
        if problem:
            self.failed.emit(problem, "\n".join(feedback.details))
            return False
        task.succeeded.connect(self._succeed)
        task.failed.connect(self._fail)
        task.stopped.connect(self._stop)
        self._task = task
        self.changed.emit(True)
        task.start()
        return self.running

    def cancel(self) -> None:
        """Asks the run to stop; a second call does not wait for results that it would keep."""
        if self._task is not None:
            self._task.cancel()

    def forget(self) -> None:
        """Ends the run at once without further signals, as its project or panel is being closed."""
        task, self._task = self._task, None
        if task is None:
            return
        for name in ("advanced", "logged", "warned", "measured", "described"):
            getattr(task.feedback, name).disconnect(getattr(self, name))
        for name, slot in (
            ("succeeded", self._succeed),
            ("failed", self._fail),
            ("stopped", self._stop),
        ):
            getattr(task, name).disconnect(slot)
        task.feedback.abandon()
        task.cancel()
        self.changed.emit(False)

    def _succeed(self, outputs: dict[str, Any]) -> None:
        self.result = self._task.feedback.result
        self._end()
        self.succeeded.emit(outputs)

    def _fail(self, message: str, details: str) -> None:
        self._end()
        self.failed.emit(message, details)

    def _stop(self) -> None:
        self._end()
        self.stopped.emit()

    def _end(self) -> None:
        self._task = None
        self.changed.emit(False)

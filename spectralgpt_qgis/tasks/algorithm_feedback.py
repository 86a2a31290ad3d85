"""What a Processing algorithm tells while it runs in a task, as signals that widgets can take."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsProcessingFeedback
from qgis.PyQt.QtCore import pyqtSignal


class AlgorithmFeedback(QgsProcessingFeedback):
    """A feedback with the further methods that ``EngineAlgorithm.run_engine`` looks for.

    QGIS's own log of the run is kept as well. The algorithm calls it on the worker's thread; what is connected to a
    widget arrives on the widget's.
    """

    advanced = pyqtSignal(float, str, object)  # percent, what is being done, seconds left or None
    logged = pyqtSignal(str)
    warned = pyqtSignal(str)
    measured = pyqtSignal(str, int, float)  # name, step, value of a metric
    described = pyqtSignal(object)  # facts that hold from now on

    def __init__(self, dry: bool = False) -> None:
        """Has heard nothing yet.

        Args:
            dry: Has the engine only tell what the run would take.
        """
        super().__init__(False)
        self.is_dry = dry
        self.details: list[str] = []  # for the report of an error
        self.result: dict[str, Any] = {}  # of the engine
        self._abandoned = False

    def abandon(self) -> None:
        """Cancels, and does not wait for what would be kept."""
        self._abandoned = True
        self.cancel()

    def is_abandoned(self) -> bool:
        """Whether :meth:`abandon` was called."""
        return self._abandoned

    def advance(self, fraction: float, message: str, seconds: float | None) -> None:
        """Takes one progress event of the engine."""
        self.setProgress(100 * fraction)
        self.advanced.emit(100 * fraction, message, seconds)

    def measure(self, name: str, step: int, value: float) -> None:
        """Takes one point of a curve."""
        self.measured.emit(name, step, value)

    def describe(self, facts: dict[str, Any]) -> None:
        """Takes facts about the run."""
        self.described.emit(facts)

    def conclude(self, result: dict[str, Any]) -> None:
        """Takes all that the engine returned; the algorithm's outputs are a part of it."""
        self.result = result

    def setProgressText(self, text: str) -> None:  # noqa: N802
        """Takes what an algorithm without engine is doing."""
        self.advanced.emit(self.progress(), text, None)

    def pushInfo(self, info: str) -> None:  # noqa: N802
        """Takes a line for the log."""
        super().pushInfo(info)
        self.logged.emit(info)

    def pushCommandInfo(self, info: str) -> None:  # noqa: N802
        """Takes a line for the log."""
        super().pushCommandInfo(info)
        self.logged.emit(info)

    def pushConsoleInfo(self, info: str) -> None:  # noqa: N802
        """Takes a line for the log."""
        super().pushConsoleInfo(info)
        self.logged.emit(info)

    def pushWarning(self, warning: str) -> None:  # noqa: N802
        """Takes what the user should know."""
        super().pushWarning(warning)
        self.warned.emit(warning)

    def pushDebugInfo(self, info: str) -> None:  # noqa: N802
        """Takes what only a report of an error shows."""
        super().pushDebugInfo(info)
        self.details.append(info)

    def reportError(self, error: str, fatalError: bool = False) -> None:  # noqa: N802, N803
        """Takes an error that did not end the run; one that does is told by the task."""
        super().reportError(error, fatalError)
        self.warned.emit(error)

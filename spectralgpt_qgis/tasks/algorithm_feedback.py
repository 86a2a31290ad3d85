"""A Processing feedback that passes what an algorithm reports to widgets, as signals."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsProcessingFeedback
from qgis.PyQt.QtCore import pyqtSignal


class AlgorithmFeedback(QgsProcessingFeedback):
    """A feedback with the additional methods that ``EngineAlgorithm.run_engine`` looks for.

    QGIS's own log of the run is kept as well. The algorithm calls the methods on the worker thread; signals connected
    to a widget are delivered on the widget's thread.
    """

    advanced = pyqtSignal(float, str, object)  # percent, current step, seconds left or None
    logged = pyqtSignal(str)
    warned = pyqtSignal(str)
    measured = pyqtSignal(str, int, float)  # name, step, value of a metric
    described = pyqtSignal(object)  # facts that hold from now on

    def __init__(self, dry: bool = False) -> None:
        """Starts without any reports.

        Args:
            dry: Whether the engine shall only estimate the run.
        """
        super().__init__(False)
        self.is_dry = dry
        self.details: list[str] = []  # technical details for an error report
        self.result: dict[str, Any] = {}  # from the engine
        self._abandoned = False

    def abandon(self) -> None:
        """Cancels without waiting for results that the algorithm would keep."""
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
        """Takes one value of a metric."""
        self.measured.emit(name, step, value)

    def describe(self, facts: dict[str, Any]) -> None:
        """Takes facts about the run that hold from now on."""
        self.described.emit(facts)

    def conclude(self, result: dict[str, Any]) -> None:
        """Takes the engine's whole result, of which the algorithm's outputs are a part."""
        self.result = result

    def setProgressText(self, text: str) -> None:  # noqa: N802
        """Takes the current step of an algorithm that does not use the engine."""
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
        """Takes a warning for the user."""
        super().pushWarning(warning)
        self.warned.emit(warning)

    def pushDebugInfo(self, info: str) -> None:  # noqa: N802
        """Takes a line that is shown only in error reports."""
        super().pushDebugInfo(info)
        self.details.append(info)

    def reportError(self, error: str, fatalError: bool = False) -> None:  # noqa: N802, N803
        """Takes an error that did not end the run; the task itself reports one that did."""
        super().reportError(error, fatalError)
        self.warned.emit(error)

"""Announces successful runs of the plugin's algorithms, wherever they were started.

Algorithms run in any thread and know nothing of windows, so windows connect to the journal.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from qgis.PyQt.QtCore import QObject, pyqtSignal


@dataclass(frozen=True)
class FinishedRun:
    """A finished run and its results.

    Attributes:
        algorithm: Id of the algorithm.
        title: Its name, as shown to the user.
        layers: Names of the layers that are added to the project.
        model: Path of the new model; empty if there is none.
        report: Path of the report; empty if there is none.
        log: The whole log of the run, in HTML.
        choices: Parameters to offer again the next time.
    """

    algorithm: str
    title: str
    layers: tuple[str, ...] = ()
    model: str = ""
    report: str = ""
    log: str = ""
    choices: dict[str, Any] = field(default_factory=dict)


class RunJournal(QObject):
    """Emits `finished` once per run; slots of a QObject are called in that object's thread."""

    finished = pyqtSignal(object)  # FinishedRun

    def tell(self, run: FinishedRun) -> None:
        """Announces a finished run."""
        self.finished.emit(run)


journal = RunJournal()

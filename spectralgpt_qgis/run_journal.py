"""Says when a run of one of our algorithms has ended well, wherever it was started, to whoever listens.

Algorithms run in any thread and know no window; windows listen here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from qgis.PyQt.QtCore import QObject, pyqtSignal


@dataclass(frozen=True)
class FinishedRun:
    """What came of a run.

    Attributes:
        algorithm: Its id.
        title: What the user calls it.
        layers: Names of the layers that go into the project.
        model: File of a model that was made; or empty.
        report: File of a report; or empty.
        log: All that the run said, in HTML.
        choices: Parameters that may be offered again the next time.
    """

    algorithm: str
    title: str
    layers: tuple[str, ...] = ()
    model: str = ""
    report: str = ""
    log: str = ""
    choices: dict[str, Any] = field(default_factory=dict)


class RunJournal(QObject):
    """Emits `finished` once a run; a listener that is a QObject is called in its own thread."""

    finished = pyqtSignal(object)  # FinishedRun

    def tell(self, run: FinishedRun) -> None:
        """Tells the listeners of a run."""
        self.finished.emit(run)


journal = RunJournal()

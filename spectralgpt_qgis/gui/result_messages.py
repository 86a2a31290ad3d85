"""Reports the result of a run in QGIS's message bar, with buttons for its log and report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from qgis.core import Qgis
from qgis.PyQt.QtCore import QObject, QUrl
from qgis.PyQt.QtGui import QDesktopServices
from qgis.PyQt.QtWidgets import QPushButton

from ..i18n import tr
from ..run_journal import FinishedRun, journal
from .plain_text import plain_message

if TYPE_CHECKING:
    from .log_window import LogWindow


class ResultMessages(QObject):
    """Shows one message, about the last run; it stays until closed, as the user may be away during a long run."""

    def __init__(self, iface: Any) -> None:
        """Shows nothing yet; :meth:`add` connects it."""
        super().__init__()
        self._iface = iface
        self._message: Any = None
        self._log: LogWindow | None = None

    def add(self) -> None:
        """Starts listening for finished runs."""
        journal.finished.connect(self.show)

    def remove(self) -> None:
        """Stops listening, and closes the message and the log."""
        journal.finished.disconnect(self.show)
        self._drop_message()
        self._drop_log()

    def show(self, run: FinishedRun) -> None:
        """Shows the result of a run."""
        self._drop_message()
        bar = self._iface.messageBar()
        # No title for a model: its sentence says enough, and two lines are cut off in a narrow window.
        message = plain_message(bar, result_text(run), "" if run.model else run.title)
        if run.report:
            self._add_button(message, tr("Open report"), lambda *_: open_file(run.report))
        if run.log:
            self._add_button(message, tr("Show log"), lambda *_: self.open_log(run))
        message.destroyed.connect(self._forget_message)
        self._message = message
        bar.pushWidget(message, Qgis.MessageLevel.Success)

    def open_log(self, run: FinishedRun) -> LogWindow:
        """Shows a run's log and returns the window."""
        from .log_window import LogWindow  # not at the start of QGIS

        self._drop_log()
        self._log = LogWindow(self._iface.mainWindow(), run)
        self._log.show()
        return self._log

    def _add_button(self, message: Any, text: str, slot: Any) -> None:
        button = QPushButton(text)
        button.clicked.connect(slot)
        message.layout().addWidget(button)

    def _drop_message(self) -> None:
        message, self._message = self._message, None
        if message is not None:
            message.destroyed.disconnect(self._forget_message)
            self._iface.messageBar().popWidget(message)

    def _forget_message(self, *_: Any) -> None:
        self._message = None

    def _drop_log(self) -> None:
        if self._log is not None:
            self._log.close()
            self._log.deleteLater()
            self._log = None


def result_text(run: FinishedRun) -> str:
    """The result of a run in a sentence."""
    if run.model:
        return tr("The model '{}' is ready.").format(Path(run.model).stem)
    if run.layers:
        return tr("Added to the project: {}").format(", ".join(run.layers))
    return tr("The report is ready: {}").format(run.report)


def open_file(path: str) -> None:
    """Opens a file with the system's default application."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(path))

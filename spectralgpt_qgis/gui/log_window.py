"""A window with the log of a finished run."""

from __future__ import annotations

from qgis.PyQt.QtGui import QGuiApplication, QIcon
from qgis.PyQt.QtWidgets import QDialog, QDialogButtonBox, QTextBrowser, QVBoxLayout, QWidget

from .. import paths
from ..i18n import tr
from ..run_journal import FinishedRun
from .window_size import resize_on_screen


class LogWindow(QDialog):
    """Shows a log; not modal."""

    def __init__(self, parent: QWidget, run: FinishedRun) -> None:
        """Makes the window.

        Args:
            parent: QGIS's main window.
            run: The run whose log is shown.
        """
        super().__init__(parent)
        self.setWindowTitle(tr("Log of {}").format(run.title))
        self.setWindowIcon(QIcon(paths.icon("spectralgpt")))
        resize_on_screen(self, 720, 480)
        self.text = QTextBrowser()
        self.text.setOpenLinks(False)
        self.text.setHtml(run.log)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        copy = buttons.addButton(tr("&Copy"), QDialogButtonBox.ButtonRole.ActionRole)
        copy.clicked.connect(self._copy)
        buttons.rejected.connect(self.close)
        layout = QVBoxLayout(self)
        layout.addWidget(self.text)
        layout.addWidget(buttons)

    def _copy(self, *_: object) -> None:
        QGuiApplication.clipboard().setText(self.text.toPlainText())

"""A window to read, copy and save the diagnostics report."""

from __future__ import annotations

from qgis.core import QgsApplication
from qgis.PyQt.QtGui import QFontDatabase
from qgis.PyQt.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QLabel,
    QMessageBox,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

from ..i18n import tr
from ..tasks.diagnostics_task import DiagnosticsTask
from .help import add_help
from .window_size import resize_on_screen

_WIDTH, _HEIGHT = 700, 560


class DiagnosticsWindow(QDialog):
    """Shows the report exactly as others will see it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        """Starts to collect the report in a task.

        Args:
            parent: Parent window.
        """
        super().__init__(parent)
        self.setWindowTitle(tr("SpectralGPT Diagnostics Report"))
        resize_on_screen(self, _WIDTH, _HEIGHT)
        about = QLabel(
            tr(
                "Attach this text to a question or an error report. Your home folder, your user name, the name of "
                "this computer and any passwords were removed, but please check the text before you send it."
            )
        )
        about.setWordWrap(True)
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.text.setPlaceholderText(tr("Collecting information…"))
        kinds, roles = QDialogButtonBox.StandardButton, QDialogButtonBox.ButtonRole
        buttons = QDialogButtonBox(kinds.Close | kinds.Help)
        self.copy_button = buttons.addButton(tr("&Copy"), roles.ActionRole)
        self.save_button = buttons.addButton(tr("&Save…"), roles.ActionRole)
        self.copy_button.clicked.connect(self.copy)
        self.save_button.clicked.connect(self.save)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(about)
        layout.addWidget(self.text, 1)
        layout.addWidget(buttons)
        add_help(self, "engine")
        self._gather()

    def _gather(self) -> None:
        for button in (self.copy_button, self.save_button):
            button.setEnabled(False)
        self._task = DiagnosticsTask()
        self._task.succeeded.connect(self._show)
        self._task.failed.connect(self._failed)
        self._task.start()

    def _show(self, report: str) -> None:
        self.text.setPlainText(report)
        for button in (self.copy_button, self.save_button):
            button.setEnabled(True)
        self.copy_button.setFocus()

    def _failed(self, message: str, _: str) -> None:
        self.text.setPlainText(message)

    def copy(self, *_: object) -> None:
        """Copies the report to the clipboard."""
        QgsApplication.clipboard().setText(self.text.toPlainText())

    def save(self, *_: object) -> None:
        """Asks for a file and saves the report."""
        file, _kind = QFileDialog.getSaveFileName(
            self, tr("Save Report"), "spectralgpt-diagnostics.txt", tr("Text files (*.txt)")
        )
        if not file:
            return
        try:
            with open(file, "w", encoding="utf-8") as written:
                written.write(self.text.toPlainText())
        except OSError as error:
            QMessageBox.warning(
                self,
                self.windowTitle(),
                tr(
                    "The report cannot be saved to {file}: {reason}. Choose another location."
                ).format(file=file, reason=error.strerror or error),
            )


def show_diagnostics(parent: QWidget) -> DiagnosticsWindow:
    """Opens the window, which is closed with its parent.

    Args:
        parent: The window with the button that opens it.
    """
    window = DiagnosticsWindow(parent)
    window.show()
    return window

"""Deletes a model in the window, after a confirmation and with an undo."""

from __future__ import annotations

from pathlib import Path

from qgis.core import Qgis
from qgis.gui import QgsMessageBar
from qgis.PyQt.QtCore import QObject, pyqtSignal
from qgis.PyQt.QtWidgets import QMessageBox, QPushButton, QWidget

from ...i18n import tr
from ..plain_text import plain_message, unmarked
from . import trash
from .entry import ModelEntry


class Deletion(QObject):
    """Moves the user's own models to the trash; the last one can be restored."""

    changed = pyqtSignal(str)  # name of a restored model; empty after a deletion
    failed = pyqtSignal(str)

    def __init__(self, window: QWidget, bar: QgsMessageBar) -> None:
        """Deletes nothing yet.

        Args:
            window: Parent of the confirmation dialogs.
            bar: Message bar that reports what was deleted, with a button to undo it.
        """
        super().__init__(window)
        self._window, self._bar = window, bar
        self._trashed: list[trash.Trashed] = []

    def ask(self, entry: ModelEntry) -> None:
        """Deletes a model if the user confirms it."""
        if self._is_wanted(tr("Move the model '{}' to the trash?").format(entry.title)):
            self.delete(entry)

    def delete(self, entry: ModelEntry) -> None:
        """Moves one of the user's own models to the trash, and shows a message with an undo button."""
        files = [Path(file.path) for file in entry.files]
        self._trashed = []
        try:
            self._trashed = trash.move_to_trash(files)
        except OSError:
            if not self._delete_for_good(entry, files):
                return
        message = plain_message(self._bar, tr("'{}' was deleted.").format(entry.title), "")
        if self._trashed:
            undo = QPushButton(tr("&Undo"))
            undo.clicked.connect(lambda: self.undo(entry.name))
            message.layout().addWidget(undo)
        self._bar.clearWidgets()
        self._bar.pushWidget(message, Qgis.MessageLevel.Info)
        self.changed.emit("")

    def undo(self, name: str) -> None:
        """Restores the model that was deleted last."""
        self._bar.clearWidgets()
        trashed, self._trashed = self._trashed, []
        try:
            trash.restore(trashed)
        except OSError as error:
            self.failed.emit(tr("The model could not be restored: {}").format(error))
        self.changed.emit(name)

    def _delete_for_good(self, entry: ModelEntry, files: list[Path]) -> bool:
        """Offers to delete permanently where there is no trash, as on some network drives; returns whether it did."""
        question = tr("'{}' cannot be moved to the trash. Delete it permanently?").format(
            entry.title
        )
        if not self._is_wanted(question):
            return False
        try:
            trash.delete(files)
        except OSError as error:
            self.failed.emit(tr("The model could not be deleted: {}").format(error))
            return False
        return True

    def _is_wanted(self, question: str) -> bool:
        answer = QMessageBox.question(self._window, tr("Delete Model"), unmarked(question))
        return bool(answer == QMessageBox.StandardButton.Yes)

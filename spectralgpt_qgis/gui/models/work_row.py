"""A row with the progress of work on models and a cancel button; hidden while no task is running."""

from __future__ import annotations

from qgis.PyQt.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QWidget

from ...i18n import tr
from ..plain_text import plain_label
from .work import ModelWork


class WorkRow(QWidget):
    """Description of the task, progress bar and cancel button."""

    def __init__(self, work: ModelWork) -> None:
        """Makes the row, which is hidden at first.

        Args:
            work: The work whose progress is shown.
        """
        super().__init__()
        self.doing = plain_label()
        self.progress = QProgressBar()
        self.cancel_button = QPushButton(tr("&Cancel"))
        self.cancel_button.setAutoDefault(False)
        self.cancel_button.clicked.connect(work.cancel)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.doing)
        row.addWidget(self.progress, 1)
        row.addWidget(self.cancel_button)
        self.hide()
        work.began.connect(self._began)
        work.advanced.connect(self._advanced)

    def _began(self, text: str) -> None:
        self.doing.setText(text)
        self.progress.setRange(0, 0)

    def _advanced(self, percent: float, text: str) -> None:
        self.progress.setRange(0, 0 if percent < 0 else 100)
        self.progress.setValue(int(percent))
        self.progress.setFormat(f"{text} (%p %)" if percent >= 0 and text else text or "%p %")

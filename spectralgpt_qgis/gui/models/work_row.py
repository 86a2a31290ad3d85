"""How far the work on models is, with a button to end it; not there while nothing is done."""

from __future__ import annotations

from qgis.PyQt.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QWidget

from ...i18n import tr
from ..plain_text import plain_label
from .work import ModelWork


class WorkRow(QWidget):
    """What is done, a bar, and Cancel."""

    def __init__(self, work: ModelWork) -> None:
        """Is hidden.

        Args:
            work: Tells how it goes.
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

"""The footer of the dock: what is missing before a training, and the button that starts it."""

from __future__ import annotations

from qgis.core import QgsApplication
from qgis.PyQt.QtCore import QSize, Qt
from qgis.PyQt.QtWidgets import QHBoxLayout, QLabel, QPushButton, QToolButton, QWidget

from ...i18n import tr
from ..help import help_button
from ..plain_text import plain_label


class Footer(QWidget):
    """A sentence with an icon, and the buttons Help and Train; visible in all tabs."""

    def __init__(self) -> None:
        """Starts without a text."""
        super().__init__()
        self._icon = QLabel()
        self.status = plain_label()
        self.status.setWordWrap(True)
        self.status.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.train_button = QPushButton(tr("&Train"))
        bottom = Qt.AlignmentFlag.AlignBottom
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self.status, 1)
        row.addWidget(_small(help_button(self, "training")), 0, bottom)
        row.addWidget(self.train_button, 0, bottom)

    def show_state(self, missing: str, running: bool, shortage: str) -> None:
        """Shows whether a training can start.

        Args:
            missing: What is missing or prevents it; empty if nothing does.
            running: Whether a training is going on, which `missing` says then.
            shortage: What would make the result poor; empty if nothing would.
        """
        icon, text = "/mIconSuccess.svg", tr("Ready to train.")
        if running:
            icon, text = "/mActionRefresh.svg", missing
        elif missing:
            icon, text = "/mIconInfo.svg", missing
        elif shortage:
            icon, text = "/mIconWarning.svg", shortage
        self._icon.setPixmap(QgsApplication.getThemeIcon(icon).pixmap(QSize(16, 16)))
        self.status.setText(text)
        self.train_button.setEnabled(not missing)


def _small(button: QToolButton) -> QToolButton:
    """Shows only the button's icon, as the row is narrow."""
    button.setIcon(QgsApplication.getThemeIcon("/mActionHelpContents.svg"))
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
    button.setAccessibleName(button.text())
    return button

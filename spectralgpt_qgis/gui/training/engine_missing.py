"""The dock's message if the engine cannot train, with a button to install it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qgis.PyQt.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton

from ... import engine_access
from ...i18n import tr


class EngineMissing(QFrame):
    """A sentence and a button; hidden if the engine can train."""

    def __init__(self, open_engine: Callable[..., Any] | None) -> None:
        """Starts without a message.

        Args:
            open_engine: Opens the window that installs the engine; None for no button.
        """
        super().__init__()
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.text = QLabel()
        self.text.setWordWrap(True)
        row = QHBoxLayout(self)
        row.addWidget(self.text, 1)
        if open_engine is not None:
            button = QPushButton(tr("En&gine…"))
            button.clicked.connect(lambda *_: open_engine())
            row.addWidget(button)
        self.hide()

    def look(self) -> None:
        """Updates the message."""
        reason = engine_access.why_not_ready("training")
        self.text.setText(reason)
        self.setVisible(bool(reason))

"""Shows texts that contain user-given names literally, as Qt would render what looks like HTML."""

from __future__ import annotations

from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import QLabel


def plain_label() -> QLabel:
    """A label that shows tags such as "<b>" literally."""
    label = QLabel()
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label


def unmarked(text: str) -> str:
    """Escapes a text for message bars, message boxes and tooltips, which have no option for plain text."""
    # Only texts with "<": Qt recognises a text as HTML by "&lt;", but not by "&amp;" alone.
    return text.replace("<", "&lt;").replace("\n", "<br>") if "<" in text else text

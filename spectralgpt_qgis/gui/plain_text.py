"""Texts with names that people gave, shown as they are: Qt takes what looks like HTML for HTML."""

from __future__ import annotations

from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import QLabel


def plain_label() -> QLabel:
    """A label that shows "<b>" where a name has it."""
    label = QLabel()
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label


def unmarked(text: str) -> str:
    """A text for message bars, message boxes and tooltips, which cannot be told that it is plain."""
    # Qt takes a text with "&lt;" for HTML, and one with nothing but "&amp;" not.
    return text.replace("<", "&lt;").replace("\n", "<br>") if "<" in text else text

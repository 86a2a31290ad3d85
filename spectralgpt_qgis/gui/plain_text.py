"""Shows texts that contain user-given names literally, as Qt would render what looks like HTML."""

from __future__ import annotations

from qgis.core import Qgis
from qgis.gui import QgsMessageBar, QgsMessageBarItem
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import QLabel

_SPECTRALGPT = "SpectralGPT"


def plain_label() -> QLabel:
    """A label that shows tags such as "<b>" literally."""
    label = QLabel()
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label


def unmarked(text: str) -> str:
    """Escapes a text for message bars, message boxes and tooltips, which have no option for plain text."""
    # Only texts with "<": Qt recognises a text as HTML by "&lt;", but not by "&amp;" alone.
    return text.replace("<", "&lt;").replace("\n", "<br>") if "<" in text else text


def plain_message(bar: QgsMessageBar, text: str, title: str = _SPECTRALGPT) -> QgsMessageBarItem:
    """A message for a message bar that shows its text literally, for callers that add buttons before they push it."""
    return bar.createMessage(title, unmarked(text))


def push_plain(
    bar: QgsMessageBar,
    text: str,
    level: Qgis.MessageLevel = Qgis.MessageLevel.Warning,
    seconds: int | None = None,
    title: str = _SPECTRALGPT,
) -> None:
    """Shows a message in a message bar, its text literally.

    Args:
        bar: The message bar.
        text: May contain names that users gave.
        level: How serious it is.
        seconds: How long it stays; 0 until it is closed, None as QGIS decides by the level.
        title: Stands before the text in bold; may be empty.
    """
    if seconds is None:
        bar.pushMessage(title, unmarked(text), level)
    else:
        bar.pushMessage(title, unmarked(text), level, seconds)

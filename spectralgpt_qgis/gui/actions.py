"""Menu entries, for Qt 5 and Qt 6."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from qgis.PyQt import QtGui, QtWidgets
from qgis.PyQt.QtGui import QIcon

from .. import paths

# The class is in QtWidgets in Qt 5, and in QtGui in Qt 6.
QAction = getattr(QtWidgets, "QAction", None) or QtGui.QAction


class MenuEntry(NamedTuple):
    """A menu entry: name of one of the plugin's icons, text, and slot to call."""

    icon: str
    text: str
    slot: Callable[..., Any]


def make_action(icon: str, text: str, parent: Any, slot: Callable[..., Any]) -> Any:
    """Makes a menu entry.

    Args:
        icon: Name of one of the plugin's icons.
        text: Text of the entry.
        parent: Parent widget.
        slot: Called when the entry is chosen.
    """
    action = QAction(QIcon(paths.icon(icon)), text, parent)
    action.triggered.connect(slot)
    return action

"""Menu entries, whichever Qt module has their class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from qgis.PyQt import QtGui, QtWidgets
from qgis.PyQt.QtGui import QIcon

from .. import paths

# In QtWidgets with Qt 5, in QtGui with Qt 6.
QAction = getattr(QtWidgets, "QAction", None) or QtGui.QAction


class MenuEntry(NamedTuple):
    """A line of the menu: the name of an icon of ours, the text, and what it does."""

    icon: str
    text: str
    slot: Callable[..., Any]


def make_action(icon: str, text: str, parent: Any, slot: Callable[..., Any]) -> Any:
    """Makes a menu entry.

    Args:
        icon: Name of one of our icons.
        text: What the menu shows.
        parent: The widget it belongs to.
        slot: Called when it is chosen.
    """
    action = QAction(QIcon(paths.icon(icon)), text, parent)
    action.triggered.connect(slot)
    return action

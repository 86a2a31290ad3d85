"""The first size of a window, which must fit on small and scaled screens."""

from __future__ import annotations

from qgis.PyQt.QtGui import QGuiApplication
from qgis.PyQt.QtWidgets import QWidget

_TITLE_BAR = 40  # the screen's available height includes the title bar, a window's size does not


def resize_on_screen(window: QWidget, width: int, height: int) -> None:
    """Resizes a window, but not beyond its screen, so that the buttons at its bottom can be reached.

    Args:
        window: The window, before it is shown.
        width: Preferred width in device-independent pixels.
        height: Preferred height in device-independent pixels.
    """
    parent = window.parentWidget()
    handle = parent.window().windowHandle() if parent is not None else None
    screen = handle.screen() if handle is not None else QGuiApplication.primaryScreen()
    there = screen.availableGeometry()
    window.resize(min(width, there.width()), min(height, there.height() - _TITLE_BAR))

"""The window of the engine."""

from __future__ import annotations

from qgis.PyQt.QtWidgets import QApplication, QMenu
from qgis.utils import iface

from .screen import picture, place, wait


def engine():
    menus = iface.mainWindow().findChildren(QMenu)
    actions = [action for menu in menus for action in menu.actions()]
    next(action for action in actions if action.text() == "Engine…").trigger()
    wait(engine_window, "the engine's window")
    window = engine_window()
    place(window, 640, 560)
    window.test_button.click()
    wait(window.test_button.isEnabled, "the engine's test")
    picture("engine")
    text = window.log.toPlainText()
    window.close()
    return text


def engine_window():
    for widget in QApplication.topLevelWidgets():
        if widget.windowTitle() == "SpectralGPT engine" and widget.isVisible():
            return widget
    return None

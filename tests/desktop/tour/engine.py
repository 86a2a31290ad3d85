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
    place(window, 720, 720)
    panel = window.panel
    wait(panel.verify_button.isEnabled, "the engine's state")
    panel.verify_button.click()
    wait(panel.verify_button.isEnabled, "the engine's test")
    panel.log_box.setCollapsed(False)
    picture("engine")
    text = panel.log.toPlainText()
    window.close()
    return text


def engine_window():
    for widget in QApplication.topLevelWidgets():
        if widget.windowTitle() == "SpectralGPT Engine" and widget.isVisible():
            return widget
    return None

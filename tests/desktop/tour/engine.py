"""The window of the engine, and its page in QGIS's options."""

from __future__ import annotations

import traceback

from qgis.PyQt.QtCore import QTimer
from qgis.PyQt.QtWidgets import QApplication, QLabel
from qgis.utils import iface

from .menus import choose, plugin_menu, window_titled
from .screen import picture, place, wait

TITLE = "SpectralGPT Engine"


def engine():
    choose(plugin_menu(), "Engine")
    wait(lambda: window_titled(TITLE), "the engine's window")
    window = window_titled(TITLE)
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


def options():
    """Looks at our page in QGIS's options, which are modal."""
    answer = {}

    def inside():
        try:
            dialog = QApplication.activeModalWidget()
            place(dialog, 900, 720)
            picture("options")
            answer["texts"] = [label.text() for label in dialog.findChildren(QLabel)]
            dialog.reject()
        except Exception:
            answer["error"] = traceback.format_exc()

    QTimer.singleShot(1500, inside)
    iface.showOptionsDialog(iface.mainWindow(), "SpectralGPTOptions")
    if "error" in answer:
        raise RuntimeError(answer["error"])
    return any("The engine is installed" in text for text in answer["texts"])

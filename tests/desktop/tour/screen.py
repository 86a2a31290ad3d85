"""Waits for QGIS, takes screenshots, and answers modal dialogs."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from qgis.PyQt.QtCore import QTimer
from qgis.PyQt.QtWidgets import QApplication
from qgis.utils import iface

ORDERS = json.loads(Path(os.environ["SPECTRALGPT_SCENARIO"]).read_text(encoding="utf-8"))
FOLDER = Path(ORDERS["folder"])
SIZE = (1366, 768)


def pause(seconds=0.2):
    """Lets QGIS process events."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        QApplication.processEvents()
        time.sleep(0.01)


def wait(condition, what, seconds=300):
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise TimeoutError(f"{what} did not happen within {seconds} s")
        pause(0.05)


def drawn():
    canvas = iface.mapCanvas()
    pause()
    wait(lambda: not canvas.isDrawing(), "drawing the map")
    pause()


def picture(name):
    """Takes a screenshot of the whole screen."""
    iface.messageBar().clearWidgets()
    pause(0.5)
    screen = QApplication.primaryScreen()
    screen.grabWindow(0, 0, 0, *SIZE).save(str(FOLDER / f"{name}.png"))


def place(dialog, width=880, height=640):
    dialog.resize(width, height)
    dialog.move((SIZE[0] - width) // 2, (SIZE[1] - height) // 2)
    dialog.raise_()
    pause()


class Answer:
    """Answers a modal dialog as soon as it is open, as the call that opens it returns only when it is closed."""

    def __init__(self, act):
        """Starts waiting for the dialog.

        Args:
            act: Called with the dialog.
        """
        self._act, self.error = act, None
        self._timer = QTimer()
        self._timer.timeout.connect(self._look)
        self._timer.start(50)

    def _look(self):
        dialog = QApplication.activeModalWidget()
        if dialog is None or not dialog.isVisible():
            return
        self._timer.stop()
        try:
            self._act(dialog)
        except Exception as error:
            self.error = error
            dialog.reject()

    def check(self):
        """Raises an exception that occurred while answering."""
        if self.error is not None:
            raise self.error
        if self._timer.isActive():
            self._timer.stop()
            raise LookupError("No dialog came.")

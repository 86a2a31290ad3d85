"""Finds, runs and inspects dialogs of Processing."""

from __future__ import annotations

import time
import traceback

import processing
from qgis.core import QgsProject
from qgis.PyQt.QtCore import QTimer
from qgis.PyQt.QtWidgets import QApplication, QDialog, QDockWidget, QTabWidget
from qgis.utils import iface

from .screen import pause, picture, place, wait


def dialog_of(algorithm_id):
    """The open Processing dialog of an algorithm."""
    for widget in QApplication.topLevelWidgets():
        if not isinstance(widget, QDialog) or not widget.isVisible():
            continue
        algorithm = widget.algorithm() if hasattr(widget, "algorithm") else None
        if algorithm is not None and algorithm.id() == algorithm_id:
            return widget
    return None


def open_from_toolbox(words, algorithm_id):
    """Types into the toolbox's search box and opens the algorithm that it finds."""
    dock = iface.mainWindow().findChild(QDockWidget, "ProcessingToolbox")
    dock.show()
    dock.raise_()
    dock.searchBox.setText(words)
    pause(0.5)
    algorithm = dock.algorithmTree.selectedAlgorithm()
    if algorithm is None or algorithm.id() != algorithm_id:
        raise LookupError(f"'{words}' finds {algorithm and algorithm.id()} in the toolbox")
    return dock


def run_dialog(dialog, layers, log_picture=None):
    """Presses Run and waits until the project has this many layers."""
    started = time.monotonic()
    before = len(QgsProject.instance().mapLayers())
    dialog.runButton().click()
    wait(lambda: len(QgsProject.instance().mapLayers()) >= before + layers, "the result", 180)
    wait(dialog.runButton().isEnabled, "the end of the run")
    if log_picture:
        dialog.findChild(QTabWidget).setCurrentIndex(1)
        picture(log_picture)
    text = dialog.findChild(QTabWidget).widget(1).findChildren(object)
    log = next((w.toPlainText() for w in text if hasattr(w, "toPlainText")), "")
    dialog.close()
    pause()
    return {"seconds": time.monotonic() - started, "log": log}


def looked_at(name, chosen):
    """Opens a tool's dialog with layers chosen, takes a screenshot and closes it; returns its title."""
    answer = {}

    def inside():
        try:
            wait(lambda: dialog_of(f"spectralgpt:{name}"), "the dialog")
            dialog = dialog_of(f"spectralgpt:{name}")
            place(dialog)
            picture(f"{name}-dialog")
            # QGIS 3.40 prepends the group: "Training - Train model from labels".
            answer["title"] = dialog.windowTitle().rpartition(" - ")[2]
            dialog.close()
        except Exception:
            answer["error"] = traceback.format_exc()

    QTimer.singleShot(500, inside)
    processing.execAlgorithmDialog(f"spectralgpt:{name}", chosen)
    if "error" in answer:
        raise RuntimeError(answer["error"])
    return answer["title"]

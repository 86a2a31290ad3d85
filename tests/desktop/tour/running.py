"""Features of runs: quick look, cancel, and batch."""

from __future__ import annotations

import time
from pathlib import Path

import processing
from qgis.core import QgsApplication, QgsProcessingContext, QgsProject
from qgis.PyQt.QtWidgets import QProgressBar
from qgis.utils import iface

from .layers import described, layers_by_name, show_only
from .screen import FOLDER, ORDERS, SIZE, drawn, picture, place, wait

COLUMNS = {"INPUT": 320, "MODEL": 325, "BANDS": 326, "EXTENT": 186}


def quick_look():
    """Starts a long run with a quick look, takes a screenshot of that, and cancels."""
    image = layers_by_name()["Boadella 2020-06-21"]
    show_only(image.name())
    iface.mapCanvas().setExtent(image.extent())
    dialog = processing.createAlgorithmDialog(
        "spectralgpt:segment",
        {"INPUT": ORDERS["big"], "OUTPUT": ORDERS["cancelled"], "QUICK_LOOK": True},
    )
    dialog.show()
    place(dialog)
    started = time.monotonic()
    dialog.runButton().click()
    wait(_looks, "the quick look")
    seconds = time.monotonic() - started
    (layer,) = _looks()
    running = not dialog.runButton().isEnabled()
    dialog.move(0, SIZE[1])  # below the screen
    drawn()
    picture("quick-look")
    answer = {**described(layer), "seconds": seconds, "running": running}
    dialog.cancelButton().click()
    wait(dialog.runButton().isEnabled, "the end of the cancelled run", 20)
    wait(lambda: not _looks(), "the end of the quick look", 20)
    dialog.close()
    return answer


def _looks():
    layers = QgsProject.instance().mapLayers().values()
    return [layer for layer in layers if layer.name().startswith("Quick look")]


def cancel():
    """Starts a long run and cancels it from its dialog."""
    dialog = processing.createAlgorithmDialog(
        "spectralgpt:segment", {"INPUT": ORDERS["big"], "OUTPUT": ORDERS["cancelled"]}
    )
    dialog.show()
    place(dialog)
    dialog.runButton().click()
    bar = dialog.findChild(QProgressBar)
    wait(lambda: bar.value() >= 2, "progress")
    started = time.monotonic()
    dialog.cancelButton().click()
    wait(dialog.runButton().isEnabled, "the end of the cancelled run", 20)
    seconds = time.monotonic() - started
    dialog.close()
    return {"seconds": seconds}


def batch():
    """Runs two scenes in a batch, filling in the table as a person would."""
    from processing.gui.BatchAlgorithmDialog import BatchAlgorithmDialog

    registry = QgsApplication.processingRegistry()
    dialog = BatchAlgorithmDialog(
        registry.createAlgorithmById("spectralgpt:segment"), iface.mainWindow()
    )
    dialog.show()
    place(dialog, 1200, 640)
    panel = dialog.mainWidget()
    context = QgsProcessingContext()
    targets = []
    for row, scene in enumerate((ORDERS["before"], ORDERS["after"])):
        if row >= panel.batchRowCount():
            panel.addRow()
        column = panel.parameter_to_column["INPUT"]
        panel.wrappers[row][column].setParameterValue(scene, context)
        targets.append(str(FOLDER / f"batch{row}.tif"))
        panel.tblParameters.cellWidget(row + 1, panel.parameter_to_column["OUTPUT"]).setValue(
            targets[-1]
        )
    panel.checkLoadLayersOnCompletion.setChecked(False)
    for name, width in COLUMNS.items():  # wide enough for whole paths and names
        panel.tblParameters.setColumnWidth(panel.parameter_to_column[name], width)
    picture("batch-dialog")
    dialog.runButton().click()
    wait(dialog.runButton().isEnabled, "the batch", 120)
    dialog.close()
    return [Path(target).is_file() for target in targets]

"""Runs in themselves: a cancel, and many rasters at once."""

from __future__ import annotations

import time
from pathlib import Path

import processing
from qgis.core import QgsApplication, QgsProcessingContext
from qgis.PyQt.QtWidgets import QProgressBar
from qgis.utils import iface

from .screen import FOLDER, ORDERS, picture, place, wait


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
    """Two scenes in one batch, filled in as a hand would fill the table."""
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
    picture("batch-dialog")
    dialog.runButton().click()
    wait(dialog.runButton().isEnabled, "the batch", 120)
    dialog.close()
    return [Path(target).is_file() for target in targets]

"""A first map, change detection and scene labels, from the toolbox and the layer menu."""

from __future__ import annotations

import shutil
import traceback
from pathlib import Path

import processing
from qgis.core import QgsApplication, QgsProject
from qgis.PyQt.QtCore import QTimer
from qgis.PyQt.QtWidgets import QDockWidget
from qgis.utils import iface, plugins

from .dialogs import dialog_of, looked_at, open_from_toolbox, run_dialog
from .layers import add_image, described, layers_by_name, show_only
from .menus import choose, open_layer_menu, plugin_menu
from .screen import ORDERS, SIZE, drawn, pause, picture, place, wait


def start():
    window = iface.mainWindow()
    window.showNormal()
    window.setGeometry(0, 0, *SIZE)
    for name in ("Browser", "Overview", "LayerOrder", "AdvancedDigitizingTools"):
        dock = window.findChild(QDockWidget, name)
        if dock is not None:
            dock.hide()
    iface.messageBar().clearWidgets()
    layer = add_image(ORDERS["after"], "Boadella 2020-06-21")
    add_image(ORDERS["before"], "Boadella 2020-02-02")
    show_only("Boadella 2020-06-21")
    iface.setActiveLayer(layer)
    iface.mapCanvas().setExtent(layer.extent())
    drawn()
    picture("start")
    return {
        "loaded": "spectralgpt_qgis" in plugins,
        "menu": [action.text() for action in plugin_menu()],
    }


def toolbox():
    dock = open_from_toolbox("land-cover", "spectralgpt:segment")
    dock.searchBox.setText("spectralgpt")
    pause(0.5)
    drawn()
    picture("toolbox")
    return [
        algorithm.displayName()
        for algorithm in QgsApplication.processingRegistry()
        .providerById("spectralgpt")
        .algorithms()
    ]


def product():
    name = "S2B_MSIL2A_20230823T095559_N0509_R122_T34UCF_20230823T124759.zip"
    title = looked_at("openproduct", {"INPUT": f"Downloads/{name}"})
    # Told by its name alone.
    band = shutil.copy(
        ORDERS["after"], Path(ORDERS["folder"], "T31TDG_20200621T105031_B02_10m.jp2")
    )
    before = iface.activeLayer()
    layer = add_image(str(band), "One band")
    entries = [action.text() for action in open_layer_menu("One band")]
    QgsProject.instance().removeMapLayer(layer.id())
    iface.setActiveLayer(before)
    return {"title": title, "entries": entries}


def segment():
    dock = open_from_toolbox("land-cover", "spectralgpt:segment")
    answer = {}

    def inside():
        dialog = None
        try:
            wait(lambda: dialog_of("spectralgpt:segment"), "the dialog")
            dialog = dialog_of("spectralgpt:segment")
            place(dialog)
            dialog.setParameters(
                {"CONFIDENCE": "TEMPORARY_OUTPUT", "OUTPUT_VECTOR": "TEMPORARY_OUTPUT"}
            )
            picture("segment-dialog")
            answer.update(run_dialog(dialog, 3, "segment-log"))
        except Exception:
            answer["error"] = traceback.format_exc()
            picture("error")
            if dialog is not None:
                dialog.close()

    QTimer.singleShot(500, inside)
    dock.executeAlgorithm()  # returns when the dialog is closed
    if "error" in answer:
        raise RuntimeError(answer["error"])
    dock.hide()
    show_only("Class map", "Boadella 2020-06-21")
    picture("segment-result")
    show_only("Confidence (percent)")
    picture("segment-confidence")
    show_only("Class polygons", "Boadella 2020-06-21")
    picture("segment-polygons")
    names = ("Class map", "Confidence (percent)", "Class polygons")
    return {**answer, "layers": [described(layers_by_name()[name]) for name in names]}


def layer_menu():
    QgsProject.instance().removeMapLayers(
        [layers_by_name()[name].id() for name in ("Class polygons", "Confidence (percent)")]
    )
    show_only("Boadella 2020-02-02")
    entries = open_layer_menu(
        "Boadella 2020-06-21", "Boadella 2020-02-02", picture_name="layer-menu"
    )
    texts = [action.text() for action in entries]
    choose(entries, "Detect change")
    wait(lambda: dialog_of("spectralgpt:detectchange"), "the dialog of the layer menu")
    return texts


def change():
    dialog = dialog_of("spectralgpt:detectchange")
    given = dialog.createProcessingParameters()
    dialog.setParameters({"PROBABILITY": "TEMPORARY_OUTPUT"})
    place(dialog)
    picture("change-dialog")
    ran = run_dialog(dialog, 2)
    show_only("Change map", "Boadella 2020-06-21")
    picture("change-result")
    show_only("Probability of change", "Boadella 2020-06-21")
    picture("change-probability")
    return {
        **ran,
        "given": [str(given["BEFORE"]), str(given["AFTER"])],
        "layers": [
            described(layers_by_name()[name]) for name in ("Change map", "Probability of change")
        ],
    }


def scenes():
    layer = layers_by_name()["Boadella 2020-06-21"]
    iface.setActiveLayer(layer)
    dialog = processing.createAlgorithmDialog("spectralgpt:classify", {"INPUT": layer.id()})
    dialog.show()
    place(dialog)
    picture("scenes-dialog")
    ran = run_dialog(dialog, 1)
    show_only("Labelled scenes", "Boadella 2020-06-21")
    picture("scenes-result")
    return {**ran, "layers": [described(layers_by_name()["Labelled scenes"])]}

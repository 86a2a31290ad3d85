"""What an analyst does, done inside the real QGIS (`qgis --code scenario.py`): a tour with pictures.

Reads its orders from SPECTRALGPT_SCENARIO, a JSON file: {"folder", "before", "after", ...}; writes report.json and one
PNG a step into the folder. Nothing here calls the plugin's Python: menus, the toolbox and dialogs are used as by hand.
"""

from __future__ import annotations

import json
import os
import time
import traceback
from pathlib import Path

import processing
from qgis.core import (
    QgsApplication,
    QgsContrastEnhancement,
    QgsMultiBandColorRenderer,
    QgsProcessingContext,
    QgsProject,
    QgsRasterLayer,
)
from qgis.PyQt.QtCore import QPoint, QTimer
from qgis.PyQt.QtWidgets import QApplication, QDialog, QDockWidget, QMenu, QProgressBar, QTabWidget
from qgis.utils import iface, plugins

ORDERS = json.loads(Path(os.environ["SPECTRALGPT_SCENARIO"]).read_text(encoding="utf-8"))
FOLDER = Path(ORDERS["folder"])
SIZE = (1366, 768)
report = {"steps": [], "error": ""}


def pause(seconds=0.3):
    """Lets QGIS draw and react."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        QApplication.processEvents()
        time.sleep(0.01)


def wait(condition, what, seconds=120):
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise TimeoutError(f"{what} did not happen within {seconds} s")
        pause(0.05)


def drawn():
    canvas = iface.mapCanvas()
    pause(0.5)
    wait(lambda: not canvas.isDrawing(), "drawing the map")
    pause(0.5)


def picture(name):
    """A picture of the whole screen."""
    iface.messageBar().clearWidgets()
    pause(0.5)
    screen = QApplication.primaryScreen()
    screen.grabWindow(0, 0, 0, *SIZE).save(str(FOLDER / f"{name}.png"))


def add_image(path, name):
    """Adds a scene in natural colours."""
    layer = QgsRasterLayer(path, name)
    renderer = QgsMultiBandColorRenderer(layer.dataProvider(), 4, 3, 2)
    for band, setter in (
        (4, renderer.setRedContrastEnhancement),
        (3, renderer.setGreenContrastEnhancement),
        (2, renderer.setBlueContrastEnhancement),
    ):
        stretch = QgsContrastEnhancement(layer.dataProvider().dataType(band))
        stretch.setMinimumValue(100)
        stretch.setMaximumValue(1700)
        stretch.setContrastEnhancementAlgorithm(
            QgsContrastEnhancement.ContrastEnhancementAlgorithm.StretchToMinimumMaximum
        )
        setter(stretch)
    layer.setRenderer(renderer)
    QgsProject.instance().addMapLayer(layer)
    return layer


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
    """Types into the toolbox's search box and starts what it finds."""
    dock = iface.mainWindow().findChild(QDockWidget, "ProcessingToolbox")
    dock.show()
    dock.raise_()
    dock.searchBox.setText(words)
    pause(0.5)
    algorithm = dock.algorithmTree.selectedAlgorithm()
    if algorithm is None or algorithm.id() != algorithm_id:
        raise LookupError(f"'{words}' finds {algorithm and algorithm.id()} in the toolbox")
    return dock


def place(dialog, width=880, height=640):
    dialog.resize(width, height)
    dialog.move((SIZE[0] - width) // 2, (SIZE[1] - height) // 2)
    dialog.raise_()
    pause(0.5)


def run_dialog(dialog, layers, log_picture=None):
    """Presses Run and waits until that many layers are in the project."""
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


def described(layer):
    """What a test wants to know of a layer's style."""
    renderer = layer.renderer()
    found = {"name": layer.name(), "type": renderer.type()}
    if renderer.type() == "paletted":
        found["classes"] = [
            [item.value, item.label, item.color.name(), item.color.alpha()]
            for item in renderer.classes()
        ]
    if renderer.type() == "categorizedSymbol":
        found["attribute"] = renderer.classAttribute()
        found["classes"] = [
            [str(item.value()), item.label(), item.symbol().color().name()]
            for item in renderer.categories()
        ]
    return found


def layers_by_name():
    return {layer.name(): layer for layer in QgsProject.instance().mapLayers().values()}


def show_only(*names):
    root = QgsProject.instance().layerTreeRoot()
    for expanded in (False, True):  # closed and opened, so that the tree shows it
        for node in root.findLayers():
            node.setItemVisibilityChecked(node.name() in names)
            node.setExpanded(expanded and node.name() in names)
        pause(0.1)
    iface.mapCanvas().setExtent(layers_by_name()[names[-1]].extent().buffered(0.001))
    drawn()


def step(function):
    """Does one step and notes it."""
    started = time.monotonic()
    answer = function()
    report["steps"].append(
        {"name": function.__name__, "seconds": time.monotonic() - started, "answer": answer}
    )


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
        "menu": [
            action.text()
            for menu in window.findChildren(QMenu)
            if menu.title().replace("&", "") == "SpectralGPT"
            for action in menu.actions()
        ],
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
    dock.executeAlgorithm()  # comes back when the dialog is closed
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
    tree = iface.layerTreeView()
    QgsProject.instance().removeMapLayers(
        [layers_by_name()[name].id() for name in ("Class polygons", "Confidence (percent)")]
    )
    show_only("Boadella 2020-02-02")
    iface.setActiveLayer(layers_by_name()["Boadella 2020-02-02"])
    menu = tree.menuProvider().createContextMenu()
    ours = next(
        action for action in menu.actions() if action.text().replace("&", "") == "SpectralGPT"
    )
    menu.popup(tree.mapToGlobal(QPoint(90, 110)))
    pause(0.3)
    menu.setActiveAction(ours)
    pause(0.5)
    picture("layer-menu")
    entries = [action.text() for action in ours.menu().actions()]
    change = next(action for action in ours.menu().actions() if "change" in action.text().lower())
    menu.close()
    change.trigger()
    wait(lambda: dialog_of("spectralgpt:detectchange"), "the dialog of the layer menu")
    return entries


def change():
    dialog = dialog_of("spectralgpt:detectchange")
    names = layers_by_name()
    given = dialog.createProcessingParameters()
    dialog.setParameters(
        {
            "BEFORE": names["Boadella 2020-02-02"].id(),
            "AFTER": names["Boadella 2020-06-21"].id(),
            "PROBABILITY": "TEMPORARY_OUTPUT",
        }
    )
    place(dialog)
    picture("change-dialog")
    ran = run_dialog(dialog, 2)
    show_only("Change map", "Boadella 2020-06-21")
    picture("change-result")
    show_only("Probability of change", "Boadella 2020-06-21")
    picture("change-probability")
    return {
        **ran,
        "given": str(given["BEFORE"]),
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


def looked_at(name):
    """Opens a tool's dialog, takes its picture and closes it; gives its title."""
    answer = {}

    def inside():
        try:
            wait(lambda: dialog_of(f"spectralgpt:{name}"), "the dialog")
            dialog = dialog_of(f"spectralgpt:{name}")
            place(dialog)
            picture(f"{name}-dialog")
            answer["title"] = dialog.windowTitle()
            dialog.close()
        except Exception:
            answer["error"] = traceback.format_exc()

    QTimer.singleShot(500, inside)
    processing.execAlgorithmDialog(f"spectralgpt:{name}", {})
    if "error" in answer:
        raise RuntimeError(answer["error"])
    return answer["title"]


def training():
    return [looked_at("finetune"), looked_at("pretrain")]


def judging():
    return [looked_at("evaluate"), looked_at("sample")]


def tour():
    try:
        for function in (
            start,
            toolbox,
            segment,
            layer_menu,
            change,
            scenes,
            engine,
            cancel,
            batch,
            training,
            judging,
        ):
            step(function)
    except Exception:
        report["error"] = traceback.format_exc()
        picture("error")
    (FOLDER / "report.json").write_text(json.dumps(report, indent=2), encoding="utf-8")
    os._exit(0)  # no question about saving the project


QTimer.singleShot(2000, tour)

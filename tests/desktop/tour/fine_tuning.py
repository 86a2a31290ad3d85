"""From labels to a map in the training dock: drawing with the mouse, training, result, comparison, next places."""

from __future__ import annotations

from qgis.core import QgsPointXY, QgsProject
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QDockWidget, QPushButton
from qgis.utils import iface

from .layers import layers_by_name, show_only
from .menus import choose, open_layer_menu
from .screen import ORDERS, drawn, pause, picture, wait

SCENE = "Boadella 2020-06-21"
# Centre (column and row) and half the side of each polygon, in pixels of the scene.
LABELS = {
    "Water": (5, [(241, 179), (114, 38), (328, 214), (124, 293), (162, 324)]),
    "Forest": (5, [(103, 86), (166, 193), (276, 221), (52, 345), (145, 362), (79, 52)]),
    "Scrub": (4, [(20, 241), (103, 262), (145, 269), (221, 259), (241, 266)]),
    "Meadow": (3, [(177, 122), (29, 95), (83, 200), (304, 28), (333, 86), (271, 336)]),
}
LABEL, TRAIN, RESULT = range(3)


def training_labels():
    project = QgsProject.instance()
    project.setFileName(ORDERS["project"])
    iface.actionSaveProject().trigger()
    for other in iface.mainWindow().findChildren(QDockWidget):
        if other.windowTitle() == "Results Viewer":
            other.hide()  # room for the training dock
    show_only(SCENE)
    choose(open_layer_menu(SCENE), "Fine-tune")
    wait(dock, "the training dock")
    panel = dock()
    drawn()
    panel.labels.new_button.click()
    editor = panel.labels.editor
    while len(editor.classes) < len(LABELS):
        button(editor, "Add class").click()
        pause()
    table = editor.table
    for row, name in enumerate(LABELS):
        table.model().setData(table.model().index(row, 1), name, Qt.ItemDataRole.EditRole)
    for row, (half, places) in enumerate(LABELS.values()):
        table.selectRow(row)
        # The first class of a new layer is being drawn already.
        if editor.drawing.label != editor.classes[row].label:
            button(editor, "Draw").click()
        for column, line in places:
            draw_square(column, line, half)
    button(editor, "Draw").click()  # ends drawing
    wait(lambda: panel.train_button.isEnabled(), "everything that training needs")
    drawn()
    picture("training-labels")
    counts = panel.labels.counts.classes
    return {label: counts[label].features for label in counts}


def training_run():
    panel = dock()
    panel.steps.setCurrentIndex(TRAIN)
    pause()
    picture("training-options")
    panel.train_button.click()
    wait(lambda: panel.run_panel.bar.value() >= 60 or not panel.run_panel.running, "training", 600)
    picture("training-run")
    wait(lambda: not panel.run_panel.running, "the end of the training", 600)
    return {"log": panel.run_panel.log.toPlainText(), "result": panel.steps.isTabEnabled(RESULT)}


def training_result():
    panel = dock().result_panel
    layers = set(layers_by_name())
    panel.preview_button.click()
    wait(lambda: panel.preview_button.isEnabled(), "the preview", 60)
    drawn()
    picture("training-result")
    preview = set(layers_by_name()) - layers
    panel.compare_button.click()
    drawn()
    picture("training-compare")
    panel.compare_button.click()
    panel.places.button.click()
    wait(lambda: panel.places.button.isEnabled(), "the places to label next", 60)
    drawn()
    picture("training-places")
    return {
        "headline": panel.headline.text(),
        "preview": sorted(preview),
        "places": layers_by_name()["Places to label next"].featureCount(),
    }


def training_reopened():
    """Saves the project and opens it again: the places are there, the preview is not, and no layer is broken."""
    layers_by_name()[f"Labels {SCENE}"].commitChanges()
    iface.actionSaveProject().trigger()
    iface.addProject(ORDERS["project"])
    wait(lambda: "Places to label next" in layers_by_name(), "the project")
    wait(lambda: dock().walk.layer() is not None, "the places of the project")
    dock().walk.next_button.click()
    place = dock().walk.where.text()
    dock().hide()
    return {
        "layers": {name: layer.isValid() for name, layer in layers_by_name().items()},
        "place": place,
    }


def dock():
    """The training dock; None if it has not been opened yet."""
    return iface.mainWindow().findChild(QDockWidget, "SpectralGPTTraining")


def button(widget, words):
    """The button with this text."""
    return next(b for b in widget.findChildren(QPushButton) if b.text().replace("&", "") == words)


def draw_square(column, line, half):
    """Draws a square with the mouse, with a right click at the end."""
    scene, canvas = layers_by_name()[SCENE], iface.mapCanvas()
    extent = scene.extent()
    for right, down in ((-half, -half), (half, -half), (half, half), (-half, half)):
        x = extent.xMinimum() + (column + right) * scene.rasterUnitsPerPixelX()
        y = extent.yMaximum() - (line + down) * scene.rasterUnitsPerPixelY()
        at = canvas.getCoordinateTransform().transform(QgsPointXY(x, y)).toQPointF().toPoint()
        QTest.mouseClick(canvas.viewport(), Qt.MouseButton.LeftButton, pos=at, delay=5)
    QTest.mouseClick(canvas.viewport(), Qt.MouseButton.RightButton, pos=at, delay=5)
    pause(0.05)

"""Stand-ins for tests of the training dock: QGIS's interface, and the panels for run and result."""

from __future__ import annotations

from qgis.core import (
    QgsFeature,
    QgsGeometry,
    QgsProject,
    QgsRasterLayer,
    QgsRectangle,
    QgsVectorFileWriter,
    QgsVectorLayer,
)
from qgis.gui import QgsMapCanvas
from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtWidgets import QWidget

from spectralgpt_qgis.gui.actions import QAction
from spectralgpt_qgis.gui.training.place_walk import TITLES
from tests.plugin import interface


class Interface(interface.Interface):
    """QGIS's interface with a map, docks, and the tools for drawing."""

    def __init__(self):
        super().__init__()
        self.canvas = QgsMapCanvas()
        self.drawn, self.docks = [], []
        self.add_feature = QAction("Add polygon", self.window)
        self.add_feature.triggered.connect(lambda *_: self.drawn.append(self.current))
        self.pan = QAction("Pan", self.window)

    def close(self):
        self.drawn.clear()
        self.canvas.deleteLater()
        super().close()

    def mapCanvas(self):
        return self.canvas

    def setActiveLayer(self, layer):
        self.current = layer

    def actionAddFeature(self):
        return self.add_feature

    def actionPan(self):
        return self.pan

    def addDockWidget(self, area, dock):
        self.docks.append(dock)
        self.window.addDockWidget(area, dock)

    def removeDockWidget(self, dock):
        self.docks.remove(dock)
        self.window.removeDockWidget(dock)


class RunPanel(QWidget):
    """Records what it was asked to run."""

    finished = pyqtSignal(object)
    failed = pyqtSignal(str, str)
    stopped = pyqtSignal()

    def __init__(self):
        super().__init__()
        self.running = False
        self.parameters = None
        self.cancelled = False

    def start(self, parameters):
        self.running, self.parameters = True, parameters

    def shut_down(self):
        self.running, self.cancelled = False, True

    def end(self, signal, *values):
        self.running = False
        signal.emit(*values)


class ResultPanel(QWidget):
    """Records what it was asked to show."""

    retrain_requested = pyqtSignal(str)
    label_here_requested = pyqtSignal(object)

    def __init__(self):
        super().__init__()
        self.shown = None

    def show_result(self, result, parameters):
        self.shown = (result, parameters)

    def clear(self):
        self.shown = None

    def shut_down(self):
        self.shown = "shut down"


def sample_layer(path, name="Boadella", there=True):
    layer = QgsRasterLayer(path, name)
    assert layer.isValid() == there
    return layer


def pixels(raster, column, row, side=10):
    """The extent of a square of pixels, given by its upper left pixel."""
    extent = raster.extent()
    across, down = raster.rasterUnitsPerPixelX(), raster.rasterUnitsPerPixelY()
    left, top = extent.xMinimum() + column * across, extent.yMaximum() - row * down
    return QgsRectangle(left, top - side * down, left + side * across, top)


def square(layer, value, rectangle, field="class"):
    """Draws a square of a class, without saving the edit."""
    feature = QgsFeature(layer.fields())
    feature.setAttribute(field, value)
    feature.setGeometry(QgsGeometry.fromRect(rectangle))
    assert layer.addFeature(feature)
    return feature


def saved_places(path):
    """A layer with one place, as the result panel adds it to a project."""
    made = QgsVectorLayer(
        "Polygon?crs=EPSG:4326&field=rank:integer&field=first_class:string&field=second_class:string",
        "places",
        "memory",
    )
    feature = QgsFeature(made.fields())
    feature.setAttributes([1, "1", "2"])
    feature.setGeometry(QgsGeometry.fromRect(QgsRectangle(2.8, 42.3, 2.81, 42.31)))
    made.dataProvider().addFeature(feature)
    context, options = (
        QgsProject.instance().transformContext(),
        QgsVectorFileWriter.SaveVectorOptions(),
    )
    QgsVectorFileWriter.writeAsVectorFormatV3(made, str(path), context, options)
    layer = QgsVectorLayer(str(path), "places", "ogr")
    layer.setCustomProperty(TITLES, '{"1": "Water", "2": "Land"}')
    return layer

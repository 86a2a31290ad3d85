"""What the tests of the training dock stand on: a stand-in for QGIS's interface, and for the panels of the run."""

from __future__ import annotations

import time

from qgis.core import QgsApplication, QgsFeature, QgsGeometry, QgsRasterLayer, QgsRectangle
from qgis.gui import QgsMessageBar
from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtWidgets import QMainWindow, QWidget

from spectralgpt_qgis.gui.actions import QAction


class Desk:
    """The part of QGIS's interface that the dock uses."""

    def __init__(self):
        self.window = QMainWindow()
        self.bar = QgsMessageBar(self.window)
        self.current = None
        self.drawn = []
        self.add_feature = QAction("Add polygon", self.window)
        self.add_feature.triggered.connect(lambda *_: self.drawn.append(self.current))
        self.pan = QAction("Pan", self.window)
        self.tools, self.docks = [], []

    def mainWindow(self):
        return self.window

    def messageBar(self):
        return self.bar

    def activeLayer(self):
        return self.current

    def setActiveLayer(self, layer):
        self.current = layer

    def actionAddFeature(self):
        return self.add_feature

    def actionPan(self):
        return self.pan

    def addToolBarIcon(self, action):
        self.tools.append(action)

    def removeToolBarIcon(self, action):
        self.tools.remove(action)

    def addDockWidget(self, area, dock):
        self.docks.append(dock)
        self.window.addDockWidget(Qt.DockWidgetArea(area), dock)

    def removeDockWidget(self, dock):
        self.docks.remove(dock)
        self.window.removeDockWidget(dock)


class RunPanel(QWidget):
    """Remembers what it was asked to run."""

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

    def cancel(self):
        self.running, self.cancelled = False, True
        self.stopped.emit()

    def end(self, signal, *values):
        self.running = False
        signal.emit(*values)


class ResultPanel(QWidget):
    """Remembers what it shows."""

    retrain_requested = pyqtSignal(str)
    label_here_requested = pyqtSignal(object)

    def __init__(self):
        super().__init__()
        self.shown = None

    def show_result(self, result, parameters):
        self.shown = (result, parameters)

    def clear(self):
        self.shown = None


def sample_layer(path, name="Boadella"):
    layer = QgsRasterLayer(path, name)
    assert layer.isValid()
    return layer


def pixels(raster, column, row, side=10):
    """The rectangle of a square of pixels, from its upper left one."""
    extent = raster.extent()
    across, down = raster.rasterUnitsPerPixelX(), raster.rasterUnitsPerPixelY()
    left, top = extent.xMinimum() + column * across, extent.yMaximum() - row * down
    return QgsRectangle(left, top - side * down, left + side * across, top)


def square(layer, value, rectangle, field="class"):
    """Draws a square of a class, unsaved."""
    feature = QgsFeature(layer.fields())
    feature.setAttribute(field, value)
    feature.setGeometry(QgsGeometry.fromRect(rectangle))
    assert layer.addFeature(feature)
    return feature


def wait(condition, seconds=60):
    """Lets QGIS work until something has happened."""
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:
        QgsApplication.processEvents()
        time.sleep(0.01)
    assert condition(), f"did not happen within {seconds} s"

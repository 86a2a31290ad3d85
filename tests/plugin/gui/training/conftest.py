"""Fixtures: a map for the panels of the training dock, and a QGIS interface for the dock itself."""

from __future__ import annotations

import pytest
from qgis.core import QgsProject, QgsRasterLayer
from qgis.gui import QgsMapCanvas

from tests.plugin.gui.training.desk import Interface, sample_layer
from tests.plugin.sample_labels import SCENE


class Desk:
    """The part of QGIS's interface that the panels use."""

    def __init__(self):
        self.canvas = QgsMapCanvas()
        self.canvas.resize(300, 200)

    def mapCanvas(self):
        return self.canvas

    def mainWindow(self):
        return None


@pytest.fixture
def desk(qgis_app):
    """A map that shows the whole sample scene, which is a layer of the project."""
    made = Desk()
    layer = QgsRasterLayer(SCENE, "Summer")
    QgsProject.instance().addMapLayer(layer)
    made.canvas.setDestinationCrs(layer.crs())
    made.canvas.setLayers([layer])
    made.canvas.setExtent(layer.extent())
    made.imagery = layer.id()
    yield made
    made.canvas.setLayers([])
    made.canvas.deleteLater()


@pytest.fixture
def iface(qgis_app):
    """A stand-in for QGIS's interface, with an empty project."""
    made = Interface()
    yield made
    made.close()


@pytest.fixture
def raster(iface, scene):
    """The sample scene (380 x 377 pixels) as the project's active layer."""
    layer = sample_layer(scene, "Boadella 2020-02-02")
    QgsProject.instance().addMapLayer(layer)
    iface.current = layer
    return layer


@pytest.fixture
def saved_project(tmp_path):
    """Gives the project a file, and so a folder."""
    folder = tmp_path / "project"
    folder.mkdir()
    assert QgsProject.instance().write(str(folder / "field.qgz"))
    return folder

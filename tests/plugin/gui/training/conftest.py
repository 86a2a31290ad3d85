"""A map for the panels of the training dock."""

from __future__ import annotations

import pytest
from qgis.core import QgsProject, QgsRasterLayer
from qgis.gui import QgsMapCanvas

from tests.plugin.sample_labels import SCENE


class Desk:
    """As much of QGIS's interface as the panels use."""

    def __init__(self):
        self.canvas = QgsMapCanvas()
        self.canvas.resize(300, 200)

    def mapCanvas(self):
        return self.canvas

    def mainWindow(self):
        return None


@pytest.fixture
def desk(qgis_app):
    """A map that shows the whole sample, which is a layer of the project."""
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

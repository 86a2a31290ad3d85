"""The layer combo box that never selects a layer by itself."""

from __future__ import annotations

import pytest
from qgis.core import QgsMapLayerProxyModel, QgsProject, QgsRasterLayer

from spectralgpt_qgis.gui.layer_list import LayerList
from tests.plugin.sample_labels import SCENE


@pytest.fixture
def layers(qgis_app):
    made = [QgsRasterLayer(SCENE, name) for name in ("A", "B", "C")]
    QgsProject.instance().addMapLayers(made)
    yield made
    QgsProject.instance().clear()


@pytest.fixture
def box(layers):
    made = LayerList(QgsMapLayerProxyModel.Filter.RasterLayer, "None chosen")
    yield made
    made.deleteLater()


def test_nothing_is_chosen_at_first(box):
    assert box.currentLayer() is None and box.currentText() == "None chosen"


def test_a_removed_layer_leaves_nothing_and_tells_it_once(box, layers):
    box.setLayer(layers[1])
    told = []
    box.layerChanged.connect(told.append)
    QgsProject.instance().removeMapLayer(layers[0].id())
    assert told == [] and box.currentLayer() == layers[1], "another one went"
    QgsProject.instance().removeMapLayer(layers[1].id())
    assert told == [None] and box.currentText() == "None chosen"


def test_choosing_none_is_told(box, layers):
    told = []
    box.setLayer(layers[2])
    box.layerChanged.connect(told.append)
    box.setLayer(None)
    box.setLayer(None)
    assert told == [None]

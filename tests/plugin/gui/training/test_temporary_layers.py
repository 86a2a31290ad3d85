"""Which previews and places a saved project contains."""

from __future__ import annotations

import pytest
from qgis.core import QgsProcessingUtils, QgsProject

from spectralgpt_qgis.gui.training.preview import MODEL
from spectralgpt_qgis.temporary_layers import TemporaryLayers
from tests.plugin.gui.training.desk import sample_layer, saved_places


@pytest.fixture
def temporary(qgis_app):
    made = TemporaryLayers()
    yield made
    made.stop()


def test_what_ends_with_the_session_is_not_in_the_file(temporary, saved_project, raster):
    from osgeo import gdal

    project = QgsProject.instance()
    path = QgsProcessingUtils.generateTempFilename("preview.tif")
    gdal.Translate(path, raster.source(), bandList=[1])
    preview = sample_layer(path, "Preview: mine")
    preview.setCustomProperty(MODEL, "mine.onnx")
    lost = saved_places(QgsProcessingUtils.generateTempFilename("places.gpkg"))
    kept = saved_places(saved_project / "places_mine.gpkg")
    kept.setName("kept")
    others = sample_layer(QgsProcessingUtils.generateTempFilename("x.tif"), "x", there=False)
    project.addMapLayers([preview, lost, kept, others])
    assert project.write()
    here = {layer.name() for layer in project.mapLayers().values()}
    assert here == {"Boadella 2020-02-02", "Preview: mine", "places", "kept", "x"}, "as they were"
    project.clear()
    assert project.read(str(saved_project / "field.qgz"))
    back = {layer.name(): layer.isValid() for layer in project.mapLayers().values()}
    # Temporary layers that are not the plugin's are not its concern.
    assert back == {"Boadella 2020-02-02": True, "kept": True, "x": False}
    tree = [node.name() for node in project.layerTreeRoot().findLayers()]
    assert sorted(tree) == ["Boadella 2020-02-02", "kept", "x"]

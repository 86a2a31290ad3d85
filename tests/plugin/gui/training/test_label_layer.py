"""A new label layer: a GeoPackage with a style, and without snapping."""

from __future__ import annotations

from pathlib import Path

import pytest
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsEditFormConfig,
    QgsProject,
    QgsRectangle,
    QgsSnappingConfig,
    QgsVectorLayer,
    QgsWkbTypes,
)

from spectralgpt_qgis.gui.training.label_classes import first_classes, read_classes
from spectralgpt_qgis.gui.training.label_layer import (
    LabelLayerNotMade,
    free_label_file,
    make_label_layer,
    switch_snapping_off,
)
from tests.plugin.gui.training.desk import square

UTM = QgsCoordinateReferenceSystem("EPSG:32631")


@pytest.fixture
def layer(qgis_app, tmp_path):
    return make_label_layer(tmp_path / "l.gpkg", "Labels", UTM, first_classes("segmentation"))


def test_polygons_in_the_crs_of_the_imagery_with_a_class_field(layer):
    assert layer.wkbType() == QgsWkbTypes.Type.Polygon
    assert layer.crs() == UTM
    assert "class" in [field.name() for field in layer.fields()]
    assert layer.featureCount() == 0
    assert [item.name for item in read_classes(layer, "class")] == ["Class 1", "Class 2"]


def test_what_is_drawn_can_be_saved(layer):
    assert layer.startEditing()
    square(layer, 2, QgsRectangle(0, 0, 1, 1))
    assert layer.commitChanges(), layer.commitErrors()
    assert [feature["class"] for feature in layer.getFeatures()] == [2]


def test_no_form_comes_up_after_a_polygon(layer):
    assert layer.editFormConfig().suppress() == QgsEditFormConfig.FeatureFormSuppress.SuppressOn


def test_who_opens_the_file_elsewhere_sees_the_style(layer, tmp_path):
    again = QgsVectorLayer(str(tmp_path / "l.gpkg"), "again", "ogr")
    again.loadDefaultStyle()
    assert [item.name for item in read_classes(again, "class")] == ["Class 1", "Class 2"]


def test_a_file_that_exists_is_left_alone(layer, tmp_path):
    before = (tmp_path / "l.gpkg").read_bytes()
    with pytest.raises(LabelLayerNotMade, match="already exists"):
        make_label_layer(tmp_path / "l.gpkg", "Other", UTM, ())
    assert (tmp_path / "l.gpkg").read_bytes() == before


def test_a_folder_that_is_not_there_is_said(qgis_app, tmp_path):
    with pytest.raises(LabelLayerNotMade, match="Choose a folder in which you can write"):
        make_label_layer(tmp_path / "nowhere" / "l.gpkg", "Labels", UTM, ())


def test_the_file_is_called_after_the_raster_and_numbered_when_taken(tmp_path):
    assert free_label_file(tmp_path, "My/scene: 2").name == "labels_My_scene_2.gpkg"
    (tmp_path / "labels_a.gpkg").touch()
    (tmp_path / "labels_a_2.gpkg").touch()
    assert free_label_file(tmp_path, "a") == Path(tmp_path, "labels_a_3.gpkg")
    assert free_label_file(tmp_path, "///").name == "labels.gpkg"


def test_snapping_leaves_the_labels_out_and_goes_on_for_the_others(layer):
    project = QgsProject.instance()
    other = QgsVectorLayer("Polygon?crs=EPSG:32631", "parcels", "memory")
    project.addMapLayers([layer, other])
    snapping = project.snappingConfig()
    snapping.setEnabled(True)
    snapping.setMode(QgsSnappingConfig.SnappingMode.AllLayers)
    project.setSnappingConfig(snapping)
    switch_snapping_off(project, layer)
    after = project.snappingConfig()
    assert after.enabled()
    assert not after.individualLayerSettings(layer).enabled()
    assert after.mode() == QgsSnappingConfig.SnappingMode.AdvancedConfiguration
    assert after.individualLayerSettings(other).enabled()

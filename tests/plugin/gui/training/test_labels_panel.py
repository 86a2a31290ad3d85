"""The panel for labels: a new layer, or an existing one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from osgeo import gdal
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsFeature,
    QgsGeometry,
    QgsProject,
    QgsRasterLayer,
    QgsRectangle,
    QgsVectorLayer,
)
from qgis.PyQt.QtWidgets import QFileDialog

from spectralgpt_qgis.gui.training.labels_panel import LabelsPanel
from tests.plugin.gui.training.desk import pixels, square
from tests.plugin.waiting import wait


@pytest.fixture
def panel(iface, raster):
    made = LabelsPanel(iface)
    made.show_imagery("segmentation", [raster])
    yield made
    made.stop()
    made.deleteLater()


def test_one_click_makes_a_layer_beside_the_project_and_draws(panel, iface, saved_project, raster):
    layer = panel.make_layer()
    assert layer.source().startswith(str(saved_project / "labels_Boadella_2020-02-02.gpkg"))
    assert layer.crs() == raster.crs()
    assert layer.isEditable()
    assert iface.drawn == [layer]
    assert panel.layer is layer
    assert panel.field == "class"
    assert layer.defaultValueDefinition(layer.fields().lookupField("class")).expression() == "1"
    assert panel.make_layer().source() != layer.source()


def test_a_new_layer_is_above_a_map_of_the_same_ground(panel, saved_project, raster):
    project = QgsProject.instance()
    cover = QgsVectorLayer("Polygon?crs=EPSG:4326", "class map", "memory")
    project.addMapLayer(cover, False)
    root = project.layerTreeRoot()
    root.insertLayer(0, cover)
    # Where QGIS adds new layers if the raster is the current layer: between the raster and the map.
    bridge = project.layerTreeRegistryBridge()
    bridge.setLayerInsertionPoint(bridge.InsertionPoint(root, 1))
    layer = panel.make_layer()
    bridge.setLayerInsertionPoint(bridge.InsertionPoint(root, 0))
    assert root.findLayers()[0].layer() is layer


def test_a_field_that_was_renamed_or_came_back_is_the_class_field_again(panel):
    layer = QgsVectorLayer("Polygon?crs=EPSG:4326&field=class:string", "mine", "memory")
    QgsProject.instance().addMapLayer(layer)
    panel.set_labels(layer)
    layer.startEditing()
    assert layer.renameAttribute(0, "klasse") and layer.commitChanges(False)
    wait(lambda: panel.field == "klasse")
    assert panel.field_list.currentField() == "klasse"
    assert layer.deleteAttribute(0)
    wait(lambda: panel.field == "")
    assert "could hold a class" in panel.problem()
    told = []
    panel.changed.connect(lambda: told.append(panel.problem()))
    layer.undoStack().undo()
    wait(lambda: panel.field == "klasse")
    assert told and "could hold a class" not in told[-1]


def test_a_field_that_numbers_the_features_is_told_to_be_no_class(panel, raster):
    layer = QgsVectorLayer(f"Polygon?crs={raster.crs().authid()}&field=name:string", "x", "memory")
    features = []
    for number in range(300):
        feature = QgsFeature(layer.fields())
        feature.setAttributes([f"parcel {number}"])
        feature.setGeometry(QgsGeometry.fromRect(raster.extent()))
        features.append(feature)
    layer.dataProvider().addFeatures(features)
    QgsProject.instance().addMapLayer(layer)
    panel.set_labels(layer, "name")
    wait(lambda: panel.counts is not None)
    assert panel.problem().startswith("300 different values were found")
    assert panel.classes == ()


def test_an_image_is_told_to_be_no_class_raster(panel, scene):
    image = QgsProject.instance().addMapLayer(QgsRasterLayer(scene, "image"))
    panel.set_labels(image)
    wait(lambda: panel.counts is not None)
    assert "it is an image and not a class raster" in panel.problem()
    assert panel.classes == ()


def test_an_unsaved_project_asks_where_and_overwrites_nothing(panel, tmp_path, monkeypatch):
    taken = tmp_path / "mine.gpkg"
    taken.write_bytes(b"somebody's")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, **__: (str(taken), ""))
    layer = panel.make_layer()
    assert layer.source().startswith(str(tmp_path / "mine_2.gpkg"))
    assert taken.read_bytes() == b"somebody's"


def test_where_nothing_may_be_written_beside_the_project_it_asks_too(
    panel, saved_project, tmp_path, monkeypatch
):
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != saved_project)
    elsewhere = tmp_path / "elsewhere.gpkg"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, **__: (str(elsewhere), ""))
    assert panel.make_layer().source().startswith(str(elsewhere))


def test_a_raster_whose_source_is_no_file_name_can_be_labelled(panel, tmp_path, monkeypatch, scene):
    """The address of a web service, or a VRT as text, may be too long for a file name."""
    source = gdal.Translate("", scene, format="VRT").GetMetadata("xml:VRT")[0]
    assert len(source) > 300
    layer = QgsRasterLayer(source, "Virtual")
    assert layer.isValid()
    panel.show_imagery("segmentation", [layer])
    asked = []
    monkeypatch.setattr(
        QFileDialog, "getSaveFileName", lambda *given, **__: (asked.append(given[2]), "")
    )
    assert panel.make_layer() is None
    assert asked == [str(Path.home() / "labels_Virtual.gpkg")]


def test_who_thinks_better_of_it_gets_no_layer(panel, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, **__: ("", ""))
    assert panel.make_layer() is None
    assert panel.layer is None


def test_the_field_stays_chosen_while_its_defaults_change(panel, saved_project):
    panel.make_layer()
    panel.editor.draw(1)
    wait(lambda: panel.field_list.currentField() == "class")
    assert panel.field == "class"


def test_what_is_missing_is_said_step_by_step(panel, saved_project, raster):
    assert panel.problem() == "Create a label layer, or choose one."
    layer = panel.make_layer()
    wait(lambda: panel.counts is not None)
    assert panel.problem() == "Label at least two classes: there are no labels of 'Class 1' yet."
    square(layer, 1, pixels(raster, 10, 10))
    wait(lambda: "'Class 2'" in panel.problem())
    square(layer, 2, pixels(raster, 60, 10))
    wait(lambda: not panel.problem())
    assert panel.shortage() == (
        "Few labels: Class 1, Class 2. The model can be trained, but its accuracy can hardly be measured."
    )
    for row in (50, 90):
        square(layer, 1, pixels(raster, 10, row))
        square(layer, 2, pixels(raster, 60, row))
    wait(lambda: not panel.shortage())


def test_polygons_that_count_for_nothing_are_told(panel, saved_project, raster):
    layer = panel.make_layer()
    square(layer, None, pixels(raster, 10, 10))
    square(layer, 1, pixels(raster, 1000, 10))
    wait(lambda: panel._note.text() != "")
    assert panel._note.text() == (
        "Left out because they have no class: 1. Left out because they lie outside the rasters: 1."
    )


def test_the_imagery_is_not_offered_as_labels(panel, raster):
    listed = [panel.layer_list.layer(n) for n in range(panel.layer_list.count())]
    assert raster not in listed


def test_a_class_raster_has_no_field(panel, later_scene):
    from tests.plugin.gui.training.desk import sample_layer

    layer = sample_layer(later_scene.replace(".tif", "_water.tif"), "water")
    QgsProject.instance().addMapLayer(layer)
    panel.set_labels(layer)
    assert panel.field == ""
    wait(lambda: panel.counts is not None)
    assert panel.problem() == ""


def test_a_label_layer_that_is_deleted_is_let_go(panel, saved_project):
    layer = panel.make_layer()
    QgsProject.instance().removeMapLayer(layer)
    assert panel.layer is None
    assert panel.problem() == "Create a label layer, or choose one."


def labels_in(panel, name, fields="field=class:string", features=()):
    layer = QgsVectorLayer(f"Polygon?crs=EPSG:4326&{fields}", name, "memory")
    layer.startEditing()
    for value, rectangle in features:
        square(layer, value, rectangle)
    QgsProject.instance().addMapLayer(layer)
    panel.set_labels(layer)
    wait(lambda: not panel.field or panel.counts is not None)
    return layer


def test_labels_of_which_none_can_be_used_say_why(panel, raster):
    labels_in(panel, "shares", "field=share:double")
    assert panel.problem().startswith("The layer 'shares' has no text or whole-number field")
    beside = QgsRectangle(20, 50, 20.1, 50.1)
    labels_in(panel, "elsewhere", features=[("a", beside), ("b", beside)])
    assert panel.problem() == "All labels lie outside the rasters. Draw some on them."
    labels_in(panel, "unset", features=[(None, pixels(raster, 10, 10))])
    assert panel.problem() == "None of the labels has a class: fill in the field 'class'."


def test_no_label_layer_is_made_for_a_raster_without_a_crs(panel, saved_project, raster):
    raster.setCrs(QgsCoordinateReferenceSystem())
    assert panel.make_layer() is None
    assert panel.layer is None

"""What 'Train model from labels' refuses before it runs."""

from __future__ import annotations

import pytest
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsFeature,
    QgsProcessingException,
    QgsProject,
    QgsVectorLayer,
)

from spectralgpt_qgis.algorithms import label_input
from tests.plugin.learning.labels import (
    class_raster,
    fake_file,
    label_layer,
    square,
)


def test_change_needs_a_second_date(refused, learning, later_scene):
    assert refused("finetune", learning) == ""
    changed = {**learning, "TASK": "change"}
    assert "second date (AFTER), one for each" in refused("finetune", changed)
    changed["AFTER"] = [later_scene, later_scene]
    assert "1 rasters of the first date (INPUT) and 2" in refused("finetune", changed)
    assert "task is 'segmentation'" in refused("finetune", {**learning, "AFTER": [later_scene]})


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"FIELD": ""}, "Choose the field of 'labels'"),
        ({"FIELD": "colour"}, "no field 'colour'. Available fields: class."),
        ({"SELECTED_ONLY": True}, "No features are selected in 'labels'"),
        (
            {"MULTILABEL": True},
            "are only possible for whole scenes, but the task is 'segmentation'",
        ),
        ({"BASE": " "}, "Choose a model to start from"),
        ({"BASE": "nonsense"}, "no installed model 'nonsense' to start from"),
        ({"BASE": "/nowhere/base.safetensors"}, "no model file '/nowhere/base.safetensors'"),
        ({"BASE": "landcover.onnx"}, "'landcover.onnx' cannot be used for training"),
        ({"BANDS": "blue, green"}, "not a list of band numbers"),
        ({"BANDS": "0,1"}, "not a list of band numbers"),
        ({"BANDS": "1,2"}, "needs 9 bands in this order: B02, B03"),
        ({"EPOCHS": -1}, "must be between 0 and 10000"),
        ({"VALIDATION": 80}, "must be between 0 and 50"),
        ({"OUTPUT_MODEL": "/tmp/model.safetensors"}, "ends in .onnx"),
        ({"OUTPUT_REPORT": "/tmp/report.pdf"}, "ends in .html"),
        ({"METHOD": "magic"}, "METHOD"),
        ({"INPUT": []}, "No training data"),
    ],
)
def test_what_the_user_can_put_right(refused, learning, given, told):
    assert told in refused("finetune", {**learning, **given})


def test_lines_are_no_labels(refused, learning):
    layer = QgsVectorLayer("LineString?crs=EPSG:4326&field=class:string", "roads", "memory")
    QgsProject.instance().addMapLayer(layer)
    reason = refused("finetune", {**learning, "LABELS": layer.id()})
    assert "'roads' has neither polygons nor points" in reason


def test_labels_without_a_system(refused, learning):
    layer = QgsVectorLayer("Polygon?field=class:string", "adrift", "memory")
    layer.setCrs(QgsCoordinateReferenceSystem())
    QgsProject.instance().addMapLayer(layer)
    reason = refused("finetune", {**learning, "LABELS": layer.id()})
    assert "'adrift' has no coordinate reference system" in reason


def test_scenes_are_not_learned_from_a_raster(refused, learning, scene, tmp_path):
    given = {"TASK": "scenes", "LABELS": class_raster(tmp_path, scene), "FIELD": None}
    assert "Scenes need polygons" in refused("finetune", {**learning, **given})


def test_damaged_files_are_told_from_missing_ones(refused, learning, tmp_path):
    broken = tmp_path / "broken.tif"
    broken.write_bytes(b"II*\0")
    reason = refused("finetune", {**learning, "INPUT": [str(broken)]})
    assert "broken.tif' (INPUT) cannot be opened as a raster" in reason
    reason = refused("finetune", {**learning, "LABELS": str(broken)})
    assert "broken.tif' (LABELS) cannot be opened as a layer" in reason


def test_labels_that_the_filter_hides(run, learning, tmp_path):
    file = fake_file(tmp_path, "water")
    layer = QgsVectorLayer(f"{file}|subset=\"class\" = 'sand'", "hidden", "ogr")
    QgsProject.instance().addMapLayer(layer)
    with pytest.raises(QgsProcessingException, match="'hidden' has no features to use"):
        run("finetune", {**learning, "LABELS": layer.id()})


def test_one_class_alone_is_nothing_to_tell_apart(refused, learning):
    layer = label_layer("water", None, "water", "", name="lakes")
    one = {**learning, "LABELS": layer.id()}
    told = "The labels 'lakes' have only one class: 'water'. Also label areas that do not belong to this class"
    assert refused("finetune", one).startswith(told)
    # The value of a feature with several labels is not one class.
    assert refused("finetune", {**one, "TASK": "scenes", "MULTILABEL": True}) == ""
    layer.startEditing()
    drawn = QgsFeature(layer.fields())
    drawn.setGeometry(square(320500, 4693000))
    drawn.setAttributes(["trees"])
    layer.addFeatures([drawn])
    assert refused("finetune", one) == ""
    layer.selectByExpression("\"class\" = 'water'")
    assert refused("finetune", {**one, "SELECTED_ONLY": True}).startswith(told)
    layer.rollBack()


def test_labels_that_all_lack_a_class(refused, learning):
    layer = label_layer(None, "")
    reason = refused("finetune", {**learning, "LABELS": layer.id()})
    assert reason == "None of the labels has a class: fill in the field 'class'."


def test_of_very_many_labels_not_all_are_looked_at(refused, learning, monkeypatch):
    monkeypatch.setattr(label_input, "_LOOKED_AT", 2)
    layer = label_layer("water", "water", "trees")
    assert refused("finetune", {**learning, "LABELS": layer.id()}) == ""

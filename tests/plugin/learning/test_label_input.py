"""The labels that the engine gets, with their names and colours."""

from __future__ import annotations

import json

import pytest
from osgeo import gdal
from qgis.core import (
    QgsCategorizedSymbolRenderer,
    QgsEditorWidgetSetup,
    QgsFeature,
    QgsGeometry,
    QgsPalettedRasterRenderer,
    QgsProcessingFeatureSourceDefinition,
    QgsProject,
    QgsRasterLayer,
    QgsRectangle,
    QgsVectorLayer,
)
from qgis.PyQt.QtGui import QColor

from tests.plugin.learning.labels import (
    category,
    class_raster,
    fake_file,
    label_layer,
    square,
)


def test_unsaved_edits_count(run, fake_engine, learning):
    layer = QgsProject.instance().mapLayer(learning["LABELS"])
    layer.startEditing()
    drawn = QgsFeature(layer.fields())
    drawn.setGeometry(square(320500, 4693000))
    drawn.setAttributes(["bare"])
    layer.addFeatures([drawn])
    layer.changeAttributeValue(1, 0, "lake")
    layer.deleteFeature(2)
    run("finetune", learning)
    assert sorted(fake_engine.seen[0][1]) == ["bare", "lake"]
    layer.rollBack()


def test_the_filter_of_the_layer_counts(run, fake_engine, learning, tmp_path):
    file = fake_file(tmp_path, "water", "trees", "bare")
    layer = QgsVectorLayer(f"{file}|subset=\"class\" <> 'trees'", "filtered", "ogr")
    QgsProject.instance().addMapLayer(layer)
    run("finetune", {**learning, "LABELS": layer.id()})
    assert fake_engine.seen[0][1] == ["water", "bare"]


def test_labels_may_be_a_file(run, fake_engine, learning, tmp_path):
    run("finetune", {**learning, "LABELS": fake_file(tmp_path, "water", "bare")})
    assert fake_engine.seen[0][1] == ["water", "bare"]


@pytest.mark.parametrize("way", ["box", "definition"])
def test_the_selection_counts_when_asked_for(run, fake_engine, learning, way):
    layer = label_layer("water", "trees", "bare")
    layer.selectByIds([1, 3])
    given = {"LABELS": layer.id(), "SELECTED_ONLY": way == "box"}
    if way == "definition":
        given["LABELS"] = QgsProcessingFeatureSourceDefinition(layer.id(), True)
    run("finetune", {**learning, **given})
    assert fake_engine.seen[0][1] == ["water", "bare"]
    run("finetune", {**learning, "LABELS": layer.id()})
    assert fake_engine.seen[1][1] == ["water", "trees", "bare"]


def test_the_limit_of_a_feature_source_counts(run, fake_engine, learning):
    layer = label_layer("water", "trees", "bare")
    given = QgsProcessingFeatureSourceDefinition(
        layer.id(), False, 2, QgsProcessingFeatureSourceDefinition.Flags()
    )
    run("finetune", {**learning, "LABELS": given})
    assert fake_engine.seen[0][1] == ["water", "trees"]


def test_several_labels_of_a_scene_may_be_a_list(run, fake_engine, learning):
    layer = label_layer(["water", "trees"], ["bare"], field="class:string[]")
    parameters = {**learning, "LABELS": layer.id(), "TASK": "scenes", "MULTILABEL": True}
    run("finetune", parameters)
    assert fake_engine.seen[0][1] == ["water;trees", "bare"]
    assert fake_engine.job["multilabel"]


def test_fields_that_a_geopackage_keeps_for_itself(run, fake_engine, learning):
    layer = label_layer("water", "trees", field="geom:string")
    run("finetune", {**learning, "LABELS": layer.id(), "FIELD": "geom"})
    assert fake_engine.seen[0][1] == ["water", "trees"]


def test_worker_never_touches_the_layer(run, fake_engine, learning, monkeypatch):
    """Features are read before, so a layer that is removed during the run does no harm."""
    from spectralgpt_qgis.algorithms import finetune

    layer = label_layer("water", "trees")
    process = finetune.FinetuneAlgorithm.processAlgorithm

    def without_layer(self, *arguments):
        QgsProject.instance().removeMapLayer(layer.id())
        return process(self, *arguments)

    monkeypatch.setattr(finetune.FinetuneAlgorithm, "processAlgorithm", without_layer)
    run("finetune", {**learning, "LABELS": layer.id()})
    assert fake_engine.seen[0][1] == ["water", "trees"]


@pytest.mark.parametrize("attribute", ["class", '"class"'])
def test_names_and_colours_are_those_of_the_layer(run, fake_engine, learning, attribute):
    layer = QgsProject.instance().mapLayer(learning["LABELS"])
    categories = [
        category("water", "#2a7fb8", "Open water"),
        category("trees", "#2f8f4e", "trees"),
        category("", "#aaaaaa", "all others"),
    ]
    layer.setRenderer(QgsCategorizedSymbolRenderer(attribute, categories))
    run("finetune", learning)
    assert json.loads(fake_engine.job["classes"]) == [
        {"label": "water", "title": "Open water", "color": "#2a7fb8"},
        {"label": "trees", "title": "", "color": "#2f8f4e"},
    ]


def test_colours_of_another_field_are_not_those_of_the_classes(run, fake_engine, learning):
    layer = QgsProject.instance().mapLayer(learning["LABELS"])
    layer.setRenderer(QgsCategorizedSymbolRenderer("surveyor", [category("Ada", "#2a7fb8", "Ada")]))
    run("finetune", learning)
    assert fake_engine.job["classes"] == ""


def test_names_of_a_value_map(run, fake_engine, learning):
    layer = label_layer(1, 2, field="class:integer")
    setup = QgsEditorWidgetSetup("ValueMap", {"map": [{"Water": "1"}, {"Trees": "2"}]})
    layer.setEditorWidgetSetup(0, setup)
    layer.setRenderer(QgsCategorizedSymbolRenderer("class", [category(2, "#2f8f4e", "2")]))
    run("finetune", {**learning, "LABELS": layer.id()})
    assert json.loads(fake_engine.job["classes"]) == [
        {"label": "1", "title": "Water", "color": ""},
        {"label": "2", "title": "Trees", "color": "#2f8f4e"},
    ]


def test_merged_categories_colour_each_of_their_values(run, fake_engine, learning):
    layer = label_layer(1, 2, 3, field="class:integer")
    merged = [category([1, 2], "#2a7fb8", "Wet"), category(3.0, "#2f8f4e", "Dry")]
    layer.setRenderer(QgsCategorizedSymbolRenderer("class", merged))
    run("finetune", {**learning, "LABELS": layer.id()})
    assert json.loads(fake_engine.job["classes"]) == [
        {"label": "1", "title": "", "color": "#2a7fb8"},
        {"label": "2", "title": "", "color": "#2a7fb8"},
        {"label": "3", "title": "Dry", "color": "#2f8f4e"},
    ]


def test_a_class_raster_needs_no_field(run, fake_engine, learning, scene, tmp_path):
    layer = QgsRasterLayer(class_raster(tmp_path, scene), "classes")
    entries = [
        QgsPalettedRasterRenderer.Class(1, QColor("#2a7fb8"), "Water"),
        QgsPalettedRasterRenderer.Class(2, QColor("#2f8f4e"), "2"),
    ]
    layer.setRenderer(QgsPalettedRasterRenderer(layer.dataProvider(), 1, entries))
    QgsProject.instance().addMapLayer(layer)
    fake_engine.during = None
    run("finetune", {**learning, "LABELS": layer.id(), "FIELD": None})
    assert fake_engine.job["labels"] == layer.source()
    assert fake_engine.job["field"] == ""
    assert json.loads(fake_engine.job["classes"]) == [
        {"label": "1", "title": "Water", "color": "#2a7fb8"},
        {"label": "2", "title": "", "color": "#2f8f4e"},
    ]


def test_of_a_layer_that_is_no_file_only_the_ground_around_the_labels_is_copied(
    run, fake_engine, learning, scene
):
    from urllib.parse import quote

    inner = QgsRasterLayer(scene, "inner")
    area = inner.extent()
    corners = (area.xMinimum(), area.yMinimum(), area.xMaximum(), area.yMaximum())
    uri = (
        f"?crs=EPSG:4326&extent={','.join(map(str, corners))}&width={inner.width()}"
        f"&height={inner.height()}&formula={quote(chr(34) + 'inner@1' + chr(34))}"
        f"&inner:uri={quote(scene)}&inner:provider=gdal"
    )
    layer = QgsRasterLayer(uri, "virtual", "virtualraster")
    QgsProject.instance().addMapLayer(layer)
    sizes = []
    fake_engine.during = lambda job: sizes.extend(gdal.Open(p).RasterXSize for p in job["inputs"])
    labels = QgsVectorLayer("Polygon?crs=EPSG:4326&field=class:string", "corner", "memory")
    feature = QgsFeature(labels.fields())
    x, y = area.xMinimum(), area.yMaximum()
    feature.setGeometry(QgsGeometry.fromRect(QgsRectangle(x, y - 0.001, x + 0.001, y)))
    for label in ("water", "trees"):
        feature.setAttributes([label])
        labels.dataProvider().addFeatures([feature])
    QgsProject.instance().addMapLayer(labels)
    run("finetune", {**learning, "INPUT": [layer.id(), scene], "LABELS": labels.id()})
    pixel = area.width() / inner.width()
    margin = 2000 / 111319.49  # metres per degree in QGIS
    assert sizes[0] == pytest.approx((0.001 + margin) / pixel, abs=1)
    assert sizes[1] == inner.width(), "a file is used as it is"

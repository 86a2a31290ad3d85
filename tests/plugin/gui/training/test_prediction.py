"""Parameters of the mapping tool, derived from those of a training."""

from __future__ import annotations

import pytest
from qgis.core import QgsCoordinateReferenceSystem, QgsProject, QgsRasterLayer, QgsRectangle

from spectralgpt_qgis.gui.training.prediction import (
    Trained,
    extent_text,
    in_layer,
    layer_sources,
    middle,
    shown,
)
from tests.plugin.sample_labels import SAMPLE, SCENE

WINTER = str(SAMPLE / "boadella_2020-02-02.tif")
WGS84 = QgsCoordinateReferenceSystem("EPSG:4326")


def trained(**parameters):
    result = {"OUTPUT_MODEL": "/tmp/mine.onnx", "MODEL_NAME": "mine"}
    return Trained(result, {"INPUT": [SCENE], **parameters})


@pytest.fixture
def layer(qgis_app):
    made = QgsRasterLayer(SCENE, "summer")
    QgsProject.instance().addMapLayer(made)
    return made


def test_a_layer_goes_by_its_id_and_a_file_by_its_path(layer):
    model = trained(INPUT=[layer.id(), WINTER], DEVICE="cpu", THREADS=2, BANDS="2, 3,4")
    rasters = model.rasters()
    assert [one.name() for (one,) in rasters] == ["summer", "boadella_2020-02-02"]
    expected = {"MODEL": "/tmp/mine.onnx", "DEVICE": "cpu", "THREADS": 2, "BANDS": [2, 3, 4]}
    assert model.mapping(rasters[0]) == {**expected, "INPUT": layer.id()}
    assert model.mapping(rasters[1]) == {**expected, "INPUT": WINTER}
    assert model.tool == "spectralgpt:segment"


def test_change_takes_both_dates(qgis_app):
    model = trained(TASK="change", AFTER=[WINTER], AFTER_BANDS="1")
    assert model.tool == "spectralgpt:detectchange"
    made = model.mapping(model.rasters()[0])
    assert (made["BEFORE"], made["AFTER"]) == (SCENE, WINTER)
    assert made["AFTER_BANDS"] == [1] and "INPUT" not in made


def test_scenes_become_polygons():
    assert (trained(TASK="scenes").tool, trained(TASK="scenes").ending) == (
        "spectralgpt:classify",
        ".gpkg",
    )
    assert trained(TASK=1).task == "scenes", "scripts may give the number"


def test_rasters_that_are_gone_are_left_out(layer, qgis_app):
    assert trained(INPUT=["no_such_layer", "/tmp/none.tif", layer.id()]).rasters() == [(layer,)]
    assert trained(INPUT=None).rasters() == []


def test_layers_that_were_taken_out_and_added_again_are_found_by_their_source(layer):
    project = QgsProject.instance()
    model = trained(INPUT=[layer.id()], LABELS=layer.id(), SOURCES=layer_sources([layer, None]))
    assert model.labels() == layer.id()
    project.removeMapLayer(layer.id())
    ((found,),) = model.rasters()
    assert model.mapping((found,))["INPUT"] == SCENE == model.labels()
    again = project.addMapLayer(QgsRasterLayer(SCENE, "again"))
    assert model.rasters() == [(again,)]
    assert model.labels() == again.id()
    assert trained(LABELS="gone", SOURCES={"gone": "/tmp/none.gpkg"}).labels() == ""
    assert trained(INPUT=["gone"], SOURCES="edited").rasters() == []


def test_where_the_model_learns_on():
    assert trained().trainable == "/tmp/mine.safetensors"
    told = {"TRAINING": {"outputs": {"trainable_model": "/tmp/other.safetensors"}}}
    assert (
        Trained({"OUTPUT_MODEL": "/tmp/mine.onnx", **told}, {}).trainable
        == "/tmp/other.safetensors"
    )


def test_the_part_that_the_map_shows(layer):
    whole = layer.extent()
    half = QgsRectangle(
        whole.center().x(), whole.yMinimum(), whole.xMaximum() + 1, whole.yMaximum()
    )
    part = in_layer(layer, half, WGS84)
    assert part.width() == pytest.approx(whole.width() / 2)
    assert part.height() == pytest.approx(whole.height())
    assert in_layer(layer, QgsRectangle(50, 50, 51, 51), WGS84) is None
    assert shown([(layer,)], half, WGS84)[0] == (layer,)
    assert shown([(layer,)], QgsRectangle(50, 50, 51, 51), WGS84) is None
    assert shown([], half, WGS84) is None


def test_a_large_part_is_cut_to_its_middle(layer, monkeypatch):
    from spectralgpt_qgis.gui.training import prediction

    assert middle(layer, layer.extent()) == (layer.extent(), False)
    monkeypatch.setattr(prediction, "MOST_PIXELS", 100)
    part, smaller = middle(layer, layer.extent())
    assert smaller and part.center().distance(layer.extent().center()) < 1e-9
    assert part.width() / layer.rasterUnitsPerPixelX() == pytest.approx(100)


def test_an_extent_as_processing_takes_it():
    text = extent_text(QgsRectangle(1, 2, 3, 4), WGS84)
    assert text == "1.0000000000,3.0000000000,2.0000000000,4.0000000000 [EPSG:4326]"
    assert "[" not in extent_text(QgsRectangle(1, 2, 3, 4), QgsCoordinateReferenceSystem())

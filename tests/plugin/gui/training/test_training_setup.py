"""The setup of a training, as parameters and in the project."""

from __future__ import annotations

import json

import pytest
from qgis.core import QgsProject, QgsVectorLayer

from spectralgpt_qgis.gui.training.training_setup import (
    ALGORITHM,
    TrainingOptions,
    TrainingSetup,
    read_setup,
    write_setup,
)


@pytest.fixture
def labels(qgis_app):
    layer = QgsVectorLayer("Polygon?crs=EPSG:4326&field=class:integer", "l", "memory")
    QgsProject.instance().addMapLayer(layer)
    return layer


@pytest.fixture
def setup(raster, labels):
    options = TrainingOptions(method="quick", name="Städte 2020", rounds=3, seed=7)
    return TrainingSetup("segmentation", ((raster, None),), labels, "class", options)


def test_every_parameter_is_one_of_the_algorithm(setup, provider, models):
    algorithm = provider.algorithm(ALGORITHM.partition(":")[2])
    known = {item.name(): item for item in algorithm.parameterDefinitions()}
    given = setup.parameters()
    assert set(given) <= set(known)
    assert all(known[name].checkValueIsAcceptable(value) for name, value in given.items() if value)


def test_the_model_goes_to_the_users_models_under_a_free_name(setup, models):
    assert setup.parameters()["OUTPUT_MODEL"] == str(models / "Städte_2020.onnx")
    (models / "Städte_2020.onnx").touch()
    given = setup.parameters()
    assert given["OUTPUT_MODEL"] == str(models / "Städte_2020_2.onnx")
    assert given["OUTPUT_REPORT"] == str(models / "Städte_2020_2.html")
    assert given["NAME"] == "Städte 2020"


def test_a_project_keeps_it(setup, raster, labels, tmp_path):
    project = QgsProject.instance()
    write_setup(setup, project)
    assert project.write(str(tmp_path / "p.qgs"))
    assert project.read(str(tmp_path / "p.qgs"))
    again = read_setup(project)
    assert again.task == "segmentation"
    assert again.options == setup.options
    assert again.field == "class"
    assert again.pairs[0][0].source() == raster_source(again)
    assert again.labels.name() == "l"


def raster_source(setup):
    return setup.pairs[0][0].dataProvider().dataSourceUri()


def test_layers_that_are_gone_are_left_out(setup, raster, labels):
    project = QgsProject.instance()
    write_setup(setup, project)
    project.removeMapLayers([raster.id(), labels.id()])
    again = read_setup(project)
    assert again.pairs == ()
    assert again.labels is None
    assert again.options.name == "Städte 2020"


def test_a_layer_that_was_added_again_is_found_by_its_source(setup, raster, scene):
    from tests.plugin.gui.training.desk import sample_layer

    project = QgsProject.instance()
    write_setup(setup, project)
    project.removeMapLayer(raster)
    again = sample_layer(scene, "again")
    project.addMapLayer(again)
    assert read_setup(project).pairs == ((again, None),)


@pytest.mark.parametrize(
    "text",
    ["{", "3", '{"rasters": 7}', '{"options": 2}', '{"options": {"rounds": "many"}}'],
)
def test_what_cannot_be_read_counts_as_nothing(qgis_app, text):
    project = QgsProject.instance()
    project.writeEntry("SpectralGPT", "/training", text)
    assert read_setup(project) is None


def test_text_has_no_layer_in_it(setup):
    assert set(json.loads(setup.to_text())) == {"task", "rasters", "labels", "field", "options"}

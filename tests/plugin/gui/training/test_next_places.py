"""Where the places to label next are written, and what happens to earlier ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from qgis.core import QgsProcessingUtils, QgsProject, QgsVectorFileWriter, QgsVectorLayer

from spectralgpt_qgis.gui.training.next_places import ALGORITHM, NextPlaces
from spectralgpt_qgis.gui.training.prediction import Trained
from tests.plugin.gui.training.desk import saved_places


@pytest.fixture
def places(desk, monkeypatch, tmp_path):
    made = NextPlaces(desk.canvas)
    result = {"OUTPUT_MODEL": str(tmp_path / "mine.onnx"), "MODEL_NAME": "my lakes"}
    made.show_model(Trained(result, {"INPUT": [desk.imagery]}))

    def find(algorithm, parameters):
        """Finishes a search at once, with a layer of one place."""
        assert algorithm == ALGORITHM
        saved_places(parameters["OUTPUT"]).saveStyleToDatabase("places", "", True, "")
        made.run.succeeded.emit({"OUTPUT": parameters["OUTPUT"], "PLACE_COUNT": 1})

    monkeypatch.setattr(made.run, "start", find)
    yield made
    made.show_model(None)
    made.deleteLater()


def file_of(layer):
    return Path(layer.source().partition("|")[0])


def test_they_are_kept_beside_the_project_and_new_ones_take_their_place(places, saved_project):
    places.start()
    first = file_of(places.walk.layer())
    assert first == saved_project / "places_my_lakes.gpkg"
    places.walk.set_layer(None)  # as after opening the project again
    places.start()
    second = file_of(places.walk.layer())
    assert second == saved_project / "places_my_lakes_2.gpkg"
    assert not first.exists() and second.is_file()
    names = [layer.name() for layer in QgsProject.instance().mapLayers().values()]
    assert sorted(names) == ["Places to label next", "Summer"]


def test_without_a_project_they_are_temporary(places):
    places.start()
    folder = Path(QgsProcessingUtils.tempFolder())
    assert folder in file_of(places.walk.layer()).parents


def add_table(layer, file):
    """Adds a layer's features to a GeoPackage as another table."""
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.layerName = "more"
    if file.exists():
        options.actionOnExistingFile = (
            QgsVectorFileWriter.ActionOnExistingFile.CreateOrOverwriteLayer
        )
    transforms = QgsProject.instance().transformContext()
    written = QgsVectorFileWriter.writeAsVectorFormatV3(layer, str(file), transforms, options)
    assert written[0] == QgsVectorFileWriter.WriterError.NoError, written


def test_places_that_the_user_saved_elsewhere_are_not_deleted(places, tmp_path):
    places.start()
    layer, mine = places.walk.layer(), tmp_path / "my_labels.gpkg"
    add_table(layer, mine)
    layer.setDataSource(f"{mine}|layername=more", layer.name(), "ogr")  # as "Make Permanent" does
    places.start()
    assert places.walk.layer() is not layer
    assert mine.is_file()


def test_a_file_with_more_in_it_than_places_is_not_deleted(places, saved_project):
    places.start()
    file = file_of(places.walk.layer())
    add_table(places.walk.layer(), file)
    places.start()
    assert QgsVectorLayer(f"{file}|layername=more", "more", "ogr").isValid()

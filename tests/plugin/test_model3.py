"""A graphical model with one of the plugin's algorithms, a native raster algorithm and polygonize."""

from __future__ import annotations

from pathlib import Path

import pytest
from qgis.core import (
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingModelAlgorithm,
    QgsProject,
    QgsVectorLayer,
)

MODEL = Path(__file__).resolve().parents[1] / "data" / "water_bodies.model3"


@pytest.fixture
def model(provider):
    """A model for water bodies, saved by the model designer: land-cover map, reclassify to water only, polygonize."""
    loaded = QgsProcessingModelAlgorithm()
    assert loaded.fromFile(str(MODEL))
    return loaded


def test_the_designer_finds_nothing_wrong(model, models):
    assert model.validate() == (True, [])
    assert model.canExecute() == (True, "")


def test_without_an_engine_the_model_says_so(model, no_engine, scene, tmp_path):
    """QGIS 3.22 calls canExecute of a model's steps only when it runs them."""
    import processing

    parameters = {"image": scene, "polygons:water_bodies": str(tmp_path / "water.gpkg")}
    feedback = QgsProcessingFeedback()
    with pytest.raises(QgsProcessingException, match="Land-cover map") as stopped:
        processing.run(model, parameters, feedback=feedback)
    # In QGIS 3.44 it is in the exception.
    assert "not installed yet" in feedback.htmlLog() + str(stopped.value)


def test_it_runs_from_image_to_polygons(model, models, scene, tmp_path):
    import processing

    context, feedback = QgsProcessingContext(), QgsProcessingFeedback()
    context.setProject(QgsProject.instance())
    outputs = processing.run(
        model,
        {
            "image": scene,
            "model": "landcover",
            "polygons:water_bodies": str(tmp_path / "water.gpkg"),
        },
        feedback=feedback,
        context=context,
    )
    layer = QgsVectorLayer(outputs["polygons:water_bodies"])
    assert layer.isValid()
    assert {feature["water"] for feature in layer.getFeatures()} == {1}
    # The reservoir of about 3 km2 is one polygon; a degree is 111 km north and 82 km east here.
    largest = max(feature.geometry().area() for feature in layer.getFeatures()) * 111 * 82
    assert 1.5 < largest < 3.5

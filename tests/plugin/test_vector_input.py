"""Features for the engine: what was drawn and not saved yet goes with the rest."""

from __future__ import annotations

import pytest
from qgis.core import (
    QgsCoordinateTransformContext,
    QgsFeature,
    QgsFeedback,
    QgsGeometry,
    QgsVectorFileWriter,
    QgsVectorLayer,
    QgsVectorLayerUtils,
)

from spectralgpt_qgis.algorithms.vector_input import LayerFeatures, write_features

SQUARE = QgsGeometry.fromWkt("Polygon((0 0, 1 0, 1 1, 0 0))")


@pytest.fixture
def labels(tmp_path):
    """A GeoPackage with one saved polygon of class 1, in editing."""
    memory = QgsVectorLayer("Polygon?crs=EPSG:4326&field=class:integer", "labels", "memory")
    saved = QgsFeature(memory.fields())
    saved.setGeometry(SQUARE)
    saved.setAttribute("class", 1)
    memory.dataProvider().addFeature(saved)
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.driverName = "GPKG"
    path = str(tmp_path / "labels.gpkg")
    QgsVectorFileWriter.writeAsVectorFormatV3(
        memory, path, QgsCoordinateTransformContext(), options
    )
    layer = QgsVectorLayer(path, "labels", "ogr")
    assert layer.startEditing()
    return layer


def test_unsaved_polygons_of_a_geopackage_are_copied_too(labels, tmp_path):
    # As QGIS's own tool makes a feature: with a text in the place of the identifier that it will get.
    drawn = QgsVectorLayerUtils.createFeature(labels, SQUARE, {1: 2})
    assert not isinstance(drawn.attribute("fid"), int)
    assert labels.addFeature(drawn)
    path = write_features(
        LayerFeatures(labels),
        tmp_path / "copy.gpkg",
        QgsCoordinateTransformContext(),
        QgsFeedback(),
    )
    copy = QgsVectorLayer(path, "copy", "ogr")
    assert sorted(feature["class"] for feature in copy.getFeatures()) == [1, 2]
    labels.rollBack()


def test_fields_whose_names_differ_in_their_case_alone_are_copied(tmp_path):
    """As a database or a join may have them; in a GeoPackage they are the same name."""
    layer = QgsVectorLayer(
        "Polygon?crs=EPSG:4326&field=Class:string&field=class:string&field=class_2:string",
        "parcels",
        "memory",
    )
    feature = QgsFeature(layer.fields())
    feature.setGeometry(SQUARE)
    feature.setAttributes(["other", "water", "more"])
    layer.dataProvider().addFeature(feature)
    path = write_features(
        LayerFeatures(layer),
        tmp_path / "copy.gpkg",
        QgsCoordinateTransformContext(),
        QgsFeedback(),
        "class",
    )
    copy = next(QgsVectorLayer(path, "copy", "ogr").getFeatures()).attributeMap()
    assert copy["class"] == "water"
    assert (copy["Class_3"], copy["class_2"]) == ("other", "more")

"""Features for the engine, including unsaved edits."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from qgis.core import (
    Qgis,
    QgsCoordinateTransformContext,
    QgsFeature,
    QgsFeedback,
    QgsField,
    QgsFields,
    QgsGeometry,
    QgsVectorFileWriter,
    QgsVectorLayer,
    QgsVectorLayerUtils,
)
from qgis.PyQt.QtCore import QMetaType, QVariant

from spectralgpt_qgis.algorithms.vector_input import LayerFeatures, write_features

NEW = Qgis.QGIS_VERSION_INT >= 33800
KINDS = QMetaType.Type if NEW else QVariant
SQUARE = QgsGeometry.fromWkt("Polygon((0 0, 1 0, 1 1, 0 0))")


@pytest.fixture
def labels(tmp_path):
    """A GeoPackage with one saved polygon of class 1, in edit mode."""
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
    # As features from QGIS's own tool, which have a text instead of their future fid.
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


def test_features_keep_their_ids_so_that_messages_name_those_of_the_layer(labels, tmp_path):
    """After deletions and before saving, ids are not 1, 2, 3; users look for them with the expression `$id = 4`."""
    for label in (2, 3, 4):
        assert labels.addFeature(QgsVectorLayerUtils.createFeature(labels, SQUARE, {1: label}))
    assert labels.commitChanges(False)
    labels.deleteFeature(2)
    assert labels.addFeature(QgsVectorLayerUtils.createFeature(labels, SQUARE, {1: 5}))
    expected = {feature.id(): feature["class"] for feature in labels.getFeatures()}
    assert sorted(expected.values()) == [1, 3, 4, 5] and min(expected) < 0
    path = write_features(
        LayerFeatures(labels),
        tmp_path / "copy.gpkg",
        QgsCoordinateTransformContext(),
        QgsFeedback(),
        "class",
    )
    copy = QgsVectorLayer(path, "copy", "ogr")
    assert {feature.id(): feature["class"] for feature in copy.getFeatures()} == expected
    labels.rollBack()


def test_fields_whose_names_differ_in_their_case_alone_are_copied(tmp_path):
    """Databases and joins may have such fields; in a GeoPackage their names are the same."""
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


def test_columns_that_a_geopackage_lacks_are_copied_as_text(tmp_path):
    """Databases have JSON, lists and unsigned numbers, a single one of which made the whole run fail."""
    layer = QgsVectorLayer("Polygon?crs=EPSG:4326&field=class:integer", "parcels", "memory")
    columns = {
        "tags": (KINDS.QVariantMap if NEW else KINDS.Map, {"höhe": [1, 2]}),
        "names": (KINDS.QStringList if NEW else KINDS.StringList, ["x", "y"]),
        "sizes": (KINDS.QVariantList if NEW else KINDS.List, [1, 2.5]),
        "code": (KINDS.ULongLong, 7),
    }
    fields = QgsFields(layer.fields())
    for name, (kind, _) in columns.items():
        fields.append(QgsField(name, kind))
    feature = QgsFeature(fields)
    feature.setGeometry(SQUARE)
    feature.setAttributes([3, *(value for _, value in columns.values())])
    source = SimpleNamespace(
        sourceName=layer.name,
        sourceCrs=layer.crs,
        wkbType=layer.wkbType,
        fields=lambda: fields,
        getFeatures=lambda: iter([feature]),
    )
    path = write_features(
        source, tmp_path / "copy.gpkg", QgsCoordinateTransformContext(), QgsFeedback(), "class"
    )
    copied = next(QgsVectorLayer(path, "copy", "ogr").getFeatures())
    assert copied["class"] == 3
    assert copied["tags"] == '{"höhe": [1, 2]}'
    assert (copied["names"], copied["sizes"]) == ("x;y", "1;2.5")
    assert copied["code"] == 7

"""The training and accuracy tools with the real engine."""

from __future__ import annotations

from pathlib import Path

import pytest
from osgeo import gdal
from qgis.core import (
    QgsCategorizedSymbolRenderer,
    QgsFeature,
    QgsFillSymbol,
    QgsGeometry,
    QgsProject,
    QgsRectangle,
    QgsRendererCategory,
    QgsVectorLayer,
)

from spectralgpt_qgis import paths


@pytest.fixture
def land_map(run, models, scene, tmp_path):
    """The tiny model's map of the sample scene: water, trees and bare ground."""
    return run("segment", {"INPUT": scene, "OUTPUT": str(tmp_path / "map.tif")})["OUTPUT"]


def test_from_a_sample_to_the_accuracy_of_a_map(run, land_map, tmp_path):
    drawn = run(
        "sample",
        {
            "INPUT": land_map,
            "SIZE": 90,
            "ALLOCATION": "equal",
            "OUTPUT": str(tmp_path / "points.gpkg"),
        },
    )
    assert (drawn["POINT_COUNT"], drawn["CLASS_COUNT"]) == (150, 3), "50 a class at least"
    points = QgsVectorLayer(drawn["OUTPUT"], "Sample of the map", "ogr")
    reference = points.fields().lookupField("reference")
    form = points.editorWidgetSetup(reference)
    assert form.type() == "ValueMap", "the file brings its form along"
    classes = {title: value for entry in form.config()["map"] for title, value in entry.items()}
    assert sorted(classes.values()) == ["1", "2", "3"]
    QgsProject.instance().addMapLayer(points)
    points.startEditing()  # unsaved edits are used too
    for number, feature in enumerate(points.getFeatures()):
        truth = feature["stratum"] if number % 5 else feature["stratum"] % 3 + 1
        points.changeAttributeValue(feature.id(), reference, str(truth))
    judged = run(
        "evaluate",
        {
            "INPUT": land_map,
            "REFERENCE": points.id(),
            "FIELD": "reference",
            "OUTPUT_REPORT": str(tmp_path / "report.html"),
            "OUTPUT_TABLE": str(tmp_path / "matrix.csv"),
        },
    )
    points.rollBack()
    assert judged["SAMPLES"] == 150
    assert judged["OVERALL_ACCURACY"] == pytest.approx(0.8)
    assert judged["OVERALL_LOW"] < 0.8 < judged["OVERALL_HIGH"]
    assert judged["ADJUSTED_LOW"] < judged["ADJUSTED_ACCURACY"] < judged["ADJUSTED_HIGH"]
    page = Path(judged["OUTPUT_REPORT"]).read_text(encoding="utf-8")
    assert "Sample_of_the_map" in page, "the report names the layer"
    assert Path(judged["OUTPUT_TABLE"]).is_file()


def test_a_model_is_judged_without_keeping_its_map(run, land_map, scene, tmp_path):
    """The reference is a map made by the same model, so its accuracy is 1."""
    judged = run("evaluate", {"INPUT": scene, "MODEL": "landcover", "REFERENCE": land_map})
    assert judged["OVERALL_ACCURACY"] == 1.0
    assert judged["ADJUSTED_ACCURACY"] is None
    assert [path.name for path in tmp_path.glob("*.tif")] == ["map.tif"]


# -- finetune -------------------------------------------------------------------------------------

COLOURS = {"Bare": "#aa8855", "Trees": "#117733", "Water": "#2266cc"}
TRUTH = {1: "Water", 2: "Trees", 3: "Bare"}  # values of the tiny model's map
SIDE = 5  # side of a polygon in pixels


def places_of(values, value, count):
    """Corners of squares with only this value, far from each other."""
    found = []
    for row in range(4, values.shape[0] - SIDE - 4, 3):
        for column in range(4, values.shape[1] - SIDE - 4, 3):
            inside = values[row - 1 : row + SIDE + 1, column - 1 : column + SIDE + 1]
            far = all(abs(row - r) + abs(column - c) > 45 for r, c in found)
            if far and (inside == value).all():
                found.append((row, column))
    return found[:count]


def square(dataset, row, column):
    left, width, _, top, _, height = dataset.GetGeoTransform()
    return QgsGeometry.fromRect(
        QgsRectangle(
            left + width * column,
            top + height * (row + SIDE),
            left + width * (column + SIDE),
            top + height * row,
        )
    )


@pytest.fixture
def labels(land_map):
    """A memory layer with unsaved edits; some of its labels must not be used."""
    dataset = gdal.Open(land_map)
    values = dataset.ReadAsArray()
    layer = QgsVectorLayer("Polygon?crs=EPSG:4326&field=kind:string", "My labels", "memory")
    categories = [
        QgsRendererCategory(name, QgsFillSymbol.createSimple({"color": color}), f"{name} land")
        for name, color in COLOURS.items()
    ]
    layer.setRenderer(QgsCategorizedSymbolRenderer("kind", categories))

    def feature(name, row, column):
        made = QgsFeature(layer.fields())
        made.setGeometry(square(dataset, row, column))
        made.setAttributes([name])
        return made

    places = {name: places_of(values, value, 4) for value, name in TRUTH.items()}
    assert min(map(len, places.values())) >= 2, "the sample has every class in several places"
    # Saved features: all labels but the last, the first of each class with a wrong one; and one of an unwanted class.
    for name, corners in places.items():
        for number, corner in enumerate(corners[:-1]):
            wrong = "Bare" if name != "Bare" else "Water"
            layer.dataProvider().addFeature(feature(wrong if number == 0 else name, *corner))
    layer.dataProvider().addFeature(feature("Nonsense", 0, 0))
    QgsProject.instance().addMapLayer(layer)
    layer.startEditing()
    for name, corners in places.items():
        layer.addFeature(feature(name, *corners[-1]))
        area = square(dataset, *corners[0]).boundingBox()
        for saved in layer.getFeatures(area):
            if saved.geometry().boundingBox().center().compare(area.center(), 1e-9):
                layer.changeAttributeValue(saved.id(), 0, name)
    layer.selectByExpression("kind <> 'Nonsense'")
    yield layer
    if layer.isEditable():
        layer.rollBack()


def test_from_a_few_polygons_to_a_map_and_its_accuracy(run, labels, land_map, scene, tmp_path):
    made = run(
        "finetune",
        {
            "INPUT": [scene],
            "LABELS": labels.id(),
            "FIELD": "kind",
            "SELECTED_ONLY": True,
            "METHOD": "quick",
            "DEVICE": "cpu",
            "OUTPUT_MODEL": str(paths.user_models() / "reservoir.onnx"),
            "OUTPUT_REPORT": str(tmp_path / "report.html"),
        },
    )
    assert (made["MODEL_NAME"], made["METHOD_USED"]) == ("reservoir", "quick")
    assert made["CLASS_COUNT"] == 3, "what is not selected is not learned"
    page = Path(made["OUTPUT_REPORT"]).read_text(encoding="utf-8")
    assert "Water land" in page and "Nonsense" not in page
    assert labels.isEditable(), "the edits are still the user's"

    # A model in the models' folder is installed at once, under its name.
    mapped = run(
        "segment",
        {"INPUT": scene, "MODEL": "reservoir", "OUTPUT": str(tmp_path / "own.tif")},
    )["OUTPUT"]
    dataset = gdal.Open(mapped)  # a reference, as a band keeps none to its dataset
    table = dataset.GetRasterBand(1).GetColorTable()
    colours = ["#{:02x}{:02x}{:02x}".format(*table.GetColorEntry(k)[:3]) for k in (1, 2, 3)]
    assert colours == list(COLOURS.values()), "the layer's style is the map's"
    own, known = dataset.ReadAsArray(), gdal.Open(land_map).ReadAsArray()
    water = own == 3
    assert (water & (known == 1)).sum() / (water | (known == 1)).sum() > 0.8

    judged = run(
        "evaluate",
        {"INPUT": scene, "MODEL": "reservoir", "REFERENCE": labels.id(), "FIELD": "kind"},
    )
    assert judged["OVERALL_ACCURACY"] > 0.9

"""'Find places to label next': its job for the engine, the places on real imagery, and their style."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from osgeo import gdal, ogr
from qgis.core import (
    QgsExpression,
    QgsFeature,
    QgsGeometry,
    QgsPalLayerSettings,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProject,
    QgsRectangle,
    QgsVectorLayer,
)

GREEN, RED, NIR = 3, 4, 8  # bands of the sample


def label_layer(*squares, name="my labels", kind="Polygon"):
    layer = QgsVectorLayer(f"{kind}?crs=EPSG:4326&field=class:string", name, "memory")
    for square in squares:
        feature = QgsFeature(layer.fields())
        feature.setGeometry(QgsGeometry.fromRect(QgsRectangle(*square)))
        layer.dataProvider().addFeatures([feature])
    QgsProject.instance().addMapLayer(layer)
    return layer


def places_of(path):
    return list(QgsVectorLayer(path).getFeatures())


@pytest.fixture
def asking(fake_engine, scene, tmp_path):
    """A run without an output file, so that saving its style yields a warning."""
    fake_engine.result = {
        "windows": {"total": 9, "run": 7, "skipped": 2},
        "device": "cpu",
        "places": [
            {"rank": 1, "uncertainty": 0.9, "first_class": "water", "second_class": "bare"},
            {"rank": 2, "uncertainty": 0.8, "first_class": "bare", "second_class": "trees"},
        ],
    }
    return {"INPUT": scene, "OUTPUT": str(tmp_path / "places.gpkg")}


def test_the_least_a_script_has_to_give(run, fake_engine, asking, scene):
    outputs = run("uncertainplaces", asking)
    assert fake_engine.verb == "uncertain-places"
    assert fake_engine.job == {
        "input": scene,
        "model": "landcover",
        "output": asking["OUTPUT"],
        "device": "auto",
        "threads": 0,
        "crs": "EPSG:4326",
        "nodata": [],
        "count": 20,
        "size": 0.0,
        "overlap": 25,
    }
    assert outputs == {
        "OUTPUT": asking["OUTPUT"],
        "PLACE_COUNT": 2,
        "WINDOWS_RUN": 7,
        "WINDOWS_SKIPPED": 2,
        "CLASS_COUNT": 3,
        "DEVICE_USED": "cpu",
    }


def test_everything_a_script_can_give(run, fake_engine, asking):
    """The labels include features that were drawn but not saved."""
    layer = label_layer((2.80, 42.34, 2.81, 42.35))
    layer.startEditing()
    feature = QgsFeature(layer.fields())
    feature.setGeometry(QgsGeometry.fromRect(QgsRectangle(2.82, 42.34, 2.83, 42.35)))
    layer.addFeature(feature)
    seen = []

    def during(job):
        source = ogr.Open(job["labels"])  # a reference, as a layer keeps none to its source
        seen.append(source.GetLayer(0).GetFeatureCount())

    fake_engine.during = during
    run(
        "uncertainplaces",
        {
            **asking,
            "BANDS": [1, 2, 3, 4, 5, 6, 7, 8, 9],
            "COUNT": 5,
            "SIZE": 0.001,
            "LABELS": layer.id(),
            "EXTENT": "2.80,2.82,42.33,42.35 [EPSG:4326]",
            "OVERLAP": 50,
            "DEVICE": "cpu",
            "THREADS": 2,
        },
    )
    layer.rollBack()
    job = fake_engine.job
    assert seen == [2]
    assert (job["count"], job["size"], job["overlap"]) == (5, 0.001, 50)
    assert (job["device"], job["threads"]) == ("cpu", 2)
    assert job["extent"] == [2.80, 42.33, 2.82, 42.35]
    assert job["bands"] == [1, 2, 3, 4, 5, 6, 7, 8, 9]


def test_a_label_layer_in_which_nothing_is_drawn_is_as_good_as_none(run, fake_engine, asking):
    run("uncertainplaces", {**asking, "LABELS": label_layer().id()})
    assert "labels" not in fake_engine.job


def test_what_cannot_be_labels_is_refused(run, fake_engine, asking):
    layer = label_layer(name="roads", kind="LineString")
    with pytest.raises(QgsProcessingException, match="'roads' has neither polygons nor points"):
        run("uncertainplaces", {**asking, "LABELS": layer.id()})
    with pytest.raises(QgsProcessingException, match="COUNT"):
        run("uncertainplaces", {**asking, "COUNT": 0})


def expected_uncertainty(scene, feature):
    """The uncertainty by the tiny model's rule, computed by hand over the pixels of a place."""
    dataset = gdal.Open(scene)
    left, width, _, top, _, height = dataset.GetGeoTransform()
    box = feature.geometry().boundingBox()
    column, row = round((box.xMinimum() - left) / width), round((box.yMaximum() - top) / height)
    across = round(box.width() / width)
    down = round(-box.height() / height)
    green, red, nir = (
        dataset.GetRasterBand(band).ReadAsArray(column, row, across, down).astype("float64") / 10000
        for band in (GREEN, RED, NIR)
    )
    scores = np.stack([60 * (green - nir), 30 * (nir - red) - 3, np.zeros_like(nir)])
    powers = np.exp(scores - scores.max(axis=0))
    second, first = np.sort(powers / powers.sum(axis=0), axis=0)[1:]
    return (1 - first + second).mean(), (across, down)


@pytest.fixture
def found(run, models, scene, tmp_path):
    path = str(tmp_path / "places.gpkg")
    outputs = run("uncertainplaces", {"INPUT": scene, "COUNT": 8, "OUTPUT": path})
    return outputs, path


def test_places_on_real_imagery(found, scene, run, tmp_path):
    outputs, path = found
    places = places_of(path)
    assert outputs["PLACE_COUNT"] == len(places) == 8
    assert [place["rank"] for place in places] == list(range(1, 9))
    values = [place["uncertainty"] for place in places]
    assert values == sorted(values, reverse=True)
    for place in places:
        expected, size = expected_uncertainty(scene, place)
        assert size == (10, 10)
        assert place["uncertainty"] == pytest.approx(expected, abs=2e-3)
        assert place["first_probability"] >= place["second_probability"]
        assert {place["first_class"], place["second_class"]} <= {"water", "vegetation", "bare"}
    for one, other in itertools.combinations(places, 2):
        assert not one.geometry().intersects(other.geometry())
    pairs = [frozenset((place["first_class"], place["second_class"])) for place in places]
    assert max(pairs.count(pair) for pair in pairs) <= 4
    assert "Places of 10 x 10 pixels: 8 found." in run.feedback.textLog()
    assert [item.name for item in tmp_path.iterdir() if item.name.startswith(".")] == []


def test_the_next_round_leaves_out_what_was_labelled(found, run, scene, tmp_path):
    """With the places as labels, none of them is found again."""
    _, path = found
    layer = QgsVectorLayer(path, "labels")
    QgsProject.instance().addMapLayer(layer)
    again = str(tmp_path / "again.gpkg")
    run("uncertainplaces", {"INPUT": scene, "COUNT": 8, "LABELS": layer.id(), "OUTPUT": again})
    before = {place.geometry().asWkt(6) for place in places_of(path)}
    after = {place.geometry().asWkt(6) for place in places_of(again)}
    assert len(after) == 8
    assert not before & after


def test_the_layer_opens_as_outlines_with_ranks(found):
    layer = QgsVectorLayer(found[1])
    assert layer.renderer().type() == "singleSymbol"
    outlines = [layer.renderer().symbol().symbolLayer(index) for index in range(2)]
    assert [item.strokeColor().name() for item in outlines] == ["#202020", "#ffd400"]
    assert layer.labelsEnabled()
    labels = layer.labeling().settings()
    assert labels.fieldName == "rank"
    assert labels.placement == QgsPalLayerSettings.Placement.OverPoint
    feature = next(layer.getFeatures())
    context = QgsProcessingContext().expressionContext()
    context.setFeature(feature)
    shown = QgsExpression(layer.displayExpression()).evaluate(context)
    assert shown == f"1: {feature['first_class']} / {feature['second_class']}"

"""The algorithms with the real engine on real imagery, with tiny models whose results can be computed by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from qgis.core import (
    QgsFeature,
    QgsGeometry,
    QgsProject,
    QgsRasterLayer,
    QgsRectangle,
    QgsVectorLayer,
)

from tests.plugin.tiny_models import NIR, expected_classes, read


def leftovers(folder):
    return sorted(path.name for path in folder.iterdir() if path.name.startswith("."))


def test_a_land_cover_map(run, models, scene, tmp_path):
    outputs = run(
        "segment",
        {
            "INPUT": scene,
            "OUTPUT": str(tmp_path / "map.tif"),
            "CONFIDENCE": str(tmp_path / "sure.tif"),
            "OUTPUT_VECTOR": str(tmp_path / "map.gpkg"),
            "AREAS": str(tmp_path / "areas.csv"),
        },
    )
    classes = read(outputs["OUTPUT"])
    agreement = (classes == expected_classes(scene)).mean()
    assert agreement > 0.999, agreement
    confidence = read(outputs["CONFIDENCE"])
    assert confidence.min() >= 34 and confidence.max() <= 100
    assert outputs["WINDOWS_RUN"] > 0
    assert outputs["WINDOWS_SKIPPED"] == 0
    assert outputs["CLASS_COUNT"] == 3
    assert outputs["DEVICE_USED"] == "cpu"
    # 377 x 380 pixels of about 10 x 10 m: the scene covers about 14 km2.
    assert 14.0e6 < outputs["AREA_TOTAL"] < 14.7e6
    assert Path(outputs["AREAS"]).read_text(encoding="utf-8-sig").startswith("value,name,")
    polygons = QgsVectorLayer(outputs["OUTPUT_VECTOR"])
    total = sum(feature["area_m2"] for feature in polygons.getFeatures())
    assert total == pytest.approx(outputs["AREA_TOTAL"], rel=1e-3)
    log = run.feedback.textLog()
    for told in ("Device: cpu", "B08 = band 8", "values / 10000", "0 skipped", "Mpx/s"):
        assert told in log
    assert run.feedback.progress() == 100
    assert leftovers(tmp_path) == []


def test_outputs_open_with_their_style_everywhere(run, models, scene, tmp_path):
    outputs = run(
        "segment",
        {
            "INPUT": scene,
            "OUTPUT": str(tmp_path / "map.tif"),
            "CONFIDENCE": str(tmp_path / "sure.tif"),
            "OUTPUT_VECTOR": str(tmp_path / "map.gpkg"),
        },
    )
    # Keep a reference to the layer, as its renderer has none.
    classes = QgsRasterLayer(outputs["OUTPUT"])
    assert [(c.value, c.label, c.color.name()) for c in classes.renderer().classes()] == [
        (1, "Water", "#2a7fb8"),
        (2, "Vegetation", "#2f8f4e"),
        (3, "Bare ground", "#e9c46a"),
    ]
    confidence = QgsRasterLayer(outputs["CONFIDENCE"])
    assert confidence.renderer().type() == "singlebandpseudocolor"
    assert confidence.renderer().classificationMin() == 0
    assert confidence.renderer().classificationMax() == 100
    polygons = QgsVectorLayer(outputs["OUTPUT_VECTOR"])
    assert polygons.renderer().classAttribute() == "class_value"
    named = {category.label() for category in polygons.renderer().categories()}
    assert {"Water", "Vegetation", "Bare ground"} <= named


def test_extent_and_mask_limit_what_is_computed(run, models, scene, tmp_path):
    whole = run("segment", {"INPUT": scene, "OUTPUT": str(tmp_path / "a.tif")})
    layer = QgsRasterLayer(scene)
    area = layer.extent()
    x, y = area.center().x(), area.center().y()
    part = run(
        "segment",
        {
            "INPUT": scene,
            "EXTENT": f"{x},{x + 0.002},{y},{y + 0.002} [EPSG:4326]",
            "OUTPUT": str(tmp_path / "b.tif"),
        },
    )
    assert 1 <= part["WINDOWS_RUN"] < whole["WINDOWS_RUN"] / 4


def test_labelled_scenes(run, models, scene, tmp_path):
    outputs = run("classify", {"INPUT": scene, "OUTPUT": str(tmp_path / "scenes.gpkg")})
    layer = QgsVectorLayer(outputs["OUTPUT"])
    assert layer.isValid()
    assert layer.featureCount() == outputs["SCENE_COUNT"] > 20
    assert outputs["CLASS_COUNT"] >= 2
    labels = {str(category.value()) for category in layer.renderer().categories()}
    field = layer.renderer().classAttribute()
    assert {str(feature[field]) for feature in layer.getFeatures()} <= labels


def test_labels_for_given_zones(run, models, scene, tmp_path):
    image = QgsRasterLayer(scene)
    area = image.extent()
    zones = QgsVectorLayer("Polygon?crs=EPSG:4326&field=parcel:integer", "parcels", "memory")
    for number in (1, 2):
        feature = QgsFeature(zones.fields())
        left = area.xMinimum() + number * 0.008
        bottom = area.center().y()
        feature.setGeometry(
            QgsGeometry.fromRect(QgsRectangle(left, bottom, left + 0.004, bottom + 0.004))
        )
        feature.setAttribute("parcel", number)
        zones.dataProvider().addFeatures([feature])
    QgsProject.instance().addMapLayer(zones)
    outputs = run(
        "classify", {"INPUT": scene, "ZONES": zones.id(), "OUTPUT": str(tmp_path / "z.gpkg")}
    )
    layer = QgsVectorLayer(outputs["OUTPUT"])
    assert layer.featureCount() == 2
    assert sorted(feature["parcel"] for feature in layer.getFeatures()) == [1, 2]


def test_a_change_map(run, models, scene, later_scene, tmp_path):
    outputs = run(
        "detectchange",
        {
            "BEFORE": scene,
            "AFTER": later_scene,
            "OUTPUT": str(tmp_path / "change.tif"),
            "PROBABILITY": str(tmp_path / "p.tif"),
            "OUTPUT_VECTOR": str(tmp_path / "change.gpkg"),
            "THRESHOLD": 0.5,
        },
    )
    moved = np.abs(read(later_scene, NIR) / 10000.0 - read(scene, NIR) / 10000.0)
    assert ((moved > 0.1) == (read(outputs["OUTPUT"]) == 1)).mean() > 0.999
    assert outputs["THRESHOLD_USED"] == 0.5
    assert 0 < outputs["AREA_CHANGED"] < 14.7e6
    layer = QgsRasterLayer(outputs["OUTPUT"])
    assert [(item.label, item.color.alpha()) for item in layer.renderer().classes()] == [
        ("Unchanged", 0),
        ("Changed", 255),
    ]

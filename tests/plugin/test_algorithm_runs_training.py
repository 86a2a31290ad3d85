"""The tools that learn and judge, with the real engine in its own process."""

from __future__ import annotations

from pathlib import Path

import pytest
from qgis.core import QgsProject, QgsVectorLayer


@pytest.fixture
def land_map(run, models, scene, tmp_path):
    """The tiny model's map of the sample: water, trees and bare ground."""
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
    points.startEditing()  # what is filled in counts before it is saved
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
    """A map is the truth here, so that the model that made it is always right."""
    judged = run("evaluate", {"INPUT": scene, "MODEL": "landcover", "REFERENCE": land_map})
    assert judged["OVERALL_ACCURACY"] == 1.0
    assert judged["ADJUSTED_ACCURACY"] is None
    assert [path.name for path in tmp_path.glob("*.tif")] == ["map.tif"]

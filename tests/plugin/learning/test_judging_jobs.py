"""The jobs that the accuracy tools, 'Evaluate map' and 'Draw sample of a map', send to the engine."""

from __future__ import annotations

import pytest

from spectralgpt_qgis.algorithms.left_behind import remove_abandoned
from spectralgpt_qgis.i18n import language
from tests.plugin.learning.labels import (
    class_raster,
    label_layer,
    read_back,
)


@pytest.fixture
def judging(fake_engine, scene, tmp_path):
    layer = label_layer("water", "trees", kind="Point")
    fake_engine.seen = []
    fake_engine.during = lambda job: fake_engine.seen.append(read_back(job))
    return {"INPUT": class_raster(tmp_path, scene), "REFERENCE": layer.id(), "FIELD": "class"}


def test_judging_a_map(run, fake_engine, judging, tmp_path):
    fake_engine.result = {
        "figures": {
            "samples": 2,
            "overall_accuracy": 0.8,
            "overall_accuracy_interval": [0.7, 0.9],
            "kappa": None,
            "miou": 0.5,
            "macro_f1": 0.6,
            "area_adjusted": {"overall_accuracy": 0.9, "overall_accuracy_interval": [0.85, 0.95]},
        }
    }
    outputs = run("evaluate", {**judging, "OUTPUT_TABLE": str(tmp_path / "matrix.csv")})
    job = dict(fake_engine.job)
    assert fake_engine.verb == "evaluate"
    assert job.pop("reference").endswith("labels.gpkg")
    assert job == {
        "input": judging["INPUT"],
        "model": "",
        "field": "class",
        "design": "auto",
        "confidence": 95,
        "device": "auto",
        "threads": 0,
        "crs": "EPSG:4326",
        "nodata": [],
        "output_report": "",
        "language": language(),
        "output_table": str(tmp_path / "matrix.csv"),
    }
    assert fake_engine.seen == [("32631", ["water", "trees"])]
    assert outputs == {
        "OUTPUT_TABLE": str(tmp_path / "matrix.csv"),
        "OVERALL_ACCURACY": 0.8,
        "OVERALL_LOW": 0.7,
        "OVERALL_HIGH": 0.9,
        "KAPPA": None,
        "MIOU": 0.5,
        "MACRO_F1": 0.6,
        "SAMPLES": 2,
        "ADJUSTED_ACCURACY": 0.9,
        "ADJUSTED_LOW": 0.85,
        "ADJUSTED_HIGH": 0.95,
    }


def test_judging_a_model(run, fake_engine, judging, scene):
    fake_engine.result = {"figures": {"samples": 2, "overall_accuracy": 1.0}}
    run(
        "evaluate",
        {
            **judging,
            "INPUT": scene,
            "MODEL": "landcover",
            "BANDS": [1, 2, 3, 4, 5, 6, 7, 8, 9],
            "DESIGN": "simple",
            "CONFIDENCE": 90,
        },
    )
    job = fake_engine.job
    assert (job["input"], job["model"]) == (scene, "landcover")
    assert (job["design"], job["confidence"]) == ("simple", 90)
    assert job["bands"] == [1, 2, 3, 4, 5, 6, 7, 8, 9]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"FIELD": None}, "Choose the field of 'labels'"),
        ({"MODEL": "scenes"}, "'scenes' is for scene classification"),
        ({"CONFIDENCE": 100}, "must be between 50 and 99"),
        ({"OUTPUT_TABLE": "/tmp/a.xlsx"}, "ends in .csv"),
    ],
)
def test_what_judging_refuses(refused, judging, given, told):
    assert refused("evaluate", judging) == ""
    assert told in refused("evaluate", {**judging, **given})


def test_drawing_a_sample(run, fake_engine, scene, tmp_path):
    fake_engine.result = {
        "size": 120,
        "classes": [
            {"value": 1, "title": "Water", "pixels": 9, "area_m2": 900.0, "points": 60},
            {"value": 2, "title": "2", "pixels": 9, "area_m2": 900.0, "points": 60},
        ],
    }
    source = class_raster(tmp_path, scene)
    target = str(tmp_path / "points.gpkg")
    outputs = run(
        "sample", {"INPUT": source, "SIZE": 120, "ALLOCATION": "equal", "SEED": 4, "OUTPUT": target}
    )
    assert fake_engine.verb == "sample"
    assert fake_engine.job == {
        "input": source,
        "output": target,
        "size": 120,
        "standard_error": 0.01,
        "expected_accuracy": 0.8,
        "allocation": "equal",
        "minimum": 50,
        "seed": 4,
    }
    assert outputs == {"OUTPUT": target, "POINT_COUNT": 120, "CLASS_COUNT": 2}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"STANDARD_ERROR": 0.5}, "must be between 0.0005 and 0.2"),
        ({"MINIMUM": 0}, "must be between 1 and 100000"),
        ({"OUTPUT": "/tmp/points.shp"}, "ends in .gpkg"),
    ],
)
def test_what_drawing_refuses(refused, scene, tmp_path, given, told):
    parameters = {"INPUT": class_raster(tmp_path, scene), "OUTPUT": "/tmp/points.gpkg"}
    assert refused("sample", parameters) == ""
    assert told in refused("sample", {**parameters, **given})


def test_what_a_killed_engine_leaves_is_removed_whatever_else_the_job_holds(tmp_path):
    """`confidence` is a raster for segment and a percentage for evaluate."""
    left, others = tmp_path / ".spectralgpt-123-x", tmp_path / ".spectralgpt-124-x"
    left.mkdir()
    others.mkdir()
    job = {"confidence": 95, "output_table": str(tmp_path / "table.csv"), "output_report": ""}
    remove_abandoned(job, 123)
    assert list(tmp_path.iterdir()) == [others]

"""Jobs that algorithms send to the engine, and what they do with its answers, with a stand-in for the engine."""

from __future__ import annotations

from pathlib import Path

import pytest
from osgeo import ogr
from qgis.core import (
    QgsFeature,
    QgsGeometry,
    QgsProcessingException,
    QgsProcessingFeatureSourceDefinition,
    QgsProcessingFeedback,
    QgsProject,
    QgsRasterLayer,
    QgsRectangle,
    QgsVectorLayer,
)

from spectralgpt_qgis.algorithms import raster_algorithm
from spectralgpt_qgis.algorithms.base import ProgressTeller
from spectralgpt_qgis.engine_client import EngineCancelled, EngineFailed
from tests.plugin.answers import LAND, write_class_map


def layer_with(*squares, crs="EPSG:4326"):
    layer = QgsVectorLayer(f"Polygon?crs={crs}&field=name:string", "parcels", "memory")
    for square in squares:
        feature = QgsFeature(layer.fields())
        feature.setGeometry(QgsGeometry.fromRect(QgsRectangle(*square)))
        feature.setAttribute("name", f"at {square[0]}")
        layer.dataProvider().addFeatures([feature])
    return layer


def test_the_least_a_script_has_to_give(run, fake_engine, segmenting, scene, tmp_path):
    outputs = run("segment", segmenting)
    assert fake_engine.verb == "segment"
    assert fake_engine.job == {
        "input": scene,
        "model": "landcover",
        "output": str(tmp_path / "map.tif"),
        "device": "auto",
        "threads": 0,
        "crs": "EPSG:4326",
        "nodata": [],
        "confidence": "",
        "output_vector": "",
        "areas": "",
        "overlap": 25,
        "min_area": 0.0,
        "cog": False,
    }
    assert outputs == {
        "OUTPUT": str(tmp_path / "map.tif"),
        "WINDOWS_RUN": 7,
        "WINDOWS_SKIPPED": 2,
        "CLASS_COUNT": 2,
        "DEVICE_USED": "cpu",
        "AREA_TOTAL": 1500.0,
    }


def test_everything_a_script_can_give(run, fake_engine, segmenting, models, tmp_path):
    run(
        "segment",
        {
            **segmenting,
            "MODEL": str(models / "landcover.onnx"),
            "BANDS": [1, 2, 3, 4, 5, 6, 7, 8, 9],
            "EXTENT": "300000,310000,4690000,4700000 [EPSG:32631]",
            "OVERLAP": 50,
            "DEVICE": "cpu",
            "THREADS": 2,
            "MIN_AREA": 400.0,
            "COG": True,
            "CONFIDENCE": str(tmp_path / "sure.tif"),
            "OUTPUT_VECTOR": str(tmp_path / "map.gpkg"),
            "AREAS": str(tmp_path / "areas.csv"),
        },
    )
    job = fake_engine.job
    assert job["bands"] == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert job["extent"] == [300000, 4690000, 310000, 4700000]  # xmin, ymin, xmax, ymax
    assert job["extent_crs"] == "EPSG:32631"
    assert (job["overlap"], job["device"], job["threads"]) == (50, "cpu", 2)
    assert (job["min_area"], job["cog"]) == (400.0, True)
    assert job["model"] == str(models / "landcover.onnx")
    assert job["confidence"] == str(tmp_path / "sure.tif")
    assert job["output_vector"] == str(tmp_path / "map.gpkg")
    assert job["areas"] == str(tmp_path / "areas.csv")


def test_progress_log_and_warnings_reach_the_user(run, segmenting):
    texts = []

    class Feedback(QgsProcessingFeedback):
        def setProgressText(self, text):
            texts.append(text)

    run("segment", segmenting, Feedback())
    assert texts == ["Halfway · about 30 s left"]
    assert run.feedback.progress() == 50
    log = run.feedback.textLog()
    assert "Device: cpu" in log
    assert "Look out" in log


def test_what_is_done_has_no_time_left():
    texts = []

    class Feedback(QgsProcessingFeedback):
        def setProgressText(self, text):
            texts.append(text)

    teller = ProgressTeller(Feedback())
    teller.tell(0.9, "Polygons", 1.0)
    teller.tell(1.0, "Done", 1.0)
    assert texts == ["Polygons · about 1 s left", "Done"]


def test_a_mask_honours_the_selection_and_keeps_its_system(run, fake_engine, segmenting):
    layer = layer_with((310000, 4690000, 310100, 4690100), (320000, 0, 321000, 1), crs="EPSG:32631")
    layer.selectByIds([2])
    QgsProject.instance().addMapLayer(layer)
    seen = []

    def during(job):
        write_class_map(job["output"])
        source = ogr.Open(job["mask"])
        reference = source.GetLayer(0).GetSpatialRef().GetAuthorityCode(None)
        seen.extend([reference, *(item.GetField("name") for item in source.GetLayer(0))])

    fake_engine.during = during
    run("segment", {**segmenting, "MASK": QgsProcessingFeatureSourceDefinition(layer.id(), True)})
    assert seen == ["32631", "at 320000"]
    assert not Path(fake_engine.job["mask"]).exists(), "the temporary file must be gone"


def test_an_empty_mask_is_refused(run, segmenting):
    layer = layer_with()
    QgsProject.instance().addMapLayer(layer)
    with pytest.raises(QgsProcessingException, match="has no features"):
        run("segment", {**segmenting, "MASK": layer.id()})


@pytest.mark.parametrize(
    "extent", ["2.8,2.8,42.3,42.4 [EPSG:4326]", "0,0,0,0", "0,0,0,0 [EPSG:4326]"]
)
def test_an_empty_extent_is_refused(run, segmenting, extent):
    """Also four zeros, which QGIS before 3.34 takes as no extent, so that the whole raster would be mapped."""
    with pytest.raises(QgsProcessingException, match="extent is empty"):
        run("segment", {**segmenting, "EXTENT": extent})


def test_an_error_of_the_engine_is_the_error_of_the_run(run, fake_engine, segmenting):
    fake_engine.failure = EngineFailed("BandMismatch", "The raster has no B08.", "traceback")
    with pytest.raises(QgsProcessingException, match=r"The raster has no B08\."):
        run("segment", segmenting)
    assert "traceback" in run.feedback.textLog()


def test_a_cancel_is_no_error(run, fake_engine, segmenting):
    fake_engine.failure = EngineCancelled()
    assert run("segment", segmenting) == {}
    assert "Nothing was written" in run.feedback.textLog()


def test_paths_are_those_of_the_working_folder(run, fake_engine, segmenting, scene, monkeypatch):
    """As in commands for qgis_process; the engine has another working folder."""
    folder = Path(segmenting["OUTPUT"]).parent
    monkeypatch.chdir(folder)
    here = folder / "here.tif"
    here.write_bytes(Path(scene).read_bytes())
    run("segment", {"INPUT": "here.tif", "OUTPUT": "map.tif", "CONFIDENCE": "sure.tif"})
    assert fake_engine.job["input"] == str(here)
    assert fake_engine.job["output"] == str(folder / "map.tif")
    assert fake_engine.job["confidence"] == str(folder / "sure.tif")


def test_scenes(run, fake_engine, scene, tmp_path):
    fake_engine.result = {
        "windows": {"total": 2, "run": 2, "skipped": 0},
        "device": "cpu",
        "classes": LAND,
        "areas": [
            {"value": 1, "name": "water", "features": 3, "pixels": 9, "area_m2": 900.0},
            {"value": 2, "name": "trees", "features": 4, "pixels": 9, "area_m2": 900.0},
            {"value": 3, "name": "bare", "features": 0, "pixels": 0, "area_m2": 0.0},
        ],
        "features": {"labelled": 7, "skipped": 1},
    }
    zones = layer_with((2.79, 42.38, 2.80, 42.39))
    QgsProject.instance().addMapLayer(zones)
    outputs = run(
        "classify",
        {
            "INPUT": scene,
            "ZONES": zones.id(),
            "CELL_SIZE": 0.01,
            "OUTPUT": str(tmp_path / "scenes.gpkg"),
        },
    )
    assert fake_engine.verb == "classify"
    assert fake_engine.job["zones"].endswith("zones/parcels.gpkg")  # named after the layer
    assert fake_engine.job["cell_size"] == 0.01
    assert fake_engine.job["model"] == "scenes"
    assert (outputs["CLASS_COUNT"], outputs["SCENE_COUNT"]) == (2, 7)


def test_change(run, fake_engine, scene, later_scene, tmp_path):
    fake_engine.result = {
        "windows": {"total": 2, "run": 2, "skipped": 0},
        "device": "cpu",
        "threshold": 0.4,
        "classes": [
            {"value": 0, "name": "unchanged", "title": "Unchanged", "color": "#d9d9d9"},
            {"value": 1, "name": "changed", "title": "Changed", "color": "#d94801"},
        ],
        "areas": [
            {"value": 0, "name": "unchanged", "pixels": 9, "area_m2": 900.0},
            {"value": 1, "name": "changed", "pixels": 2, "area_m2": 200.0},
        ],
    }
    fake_engine.during = lambda job: write_class_map(job["output"])
    parameters = {
        "BEFORE": scene,
        "AFTER": later_scene,
        "AFTER_BANDS": [1, 2, 3, 4, 5, 6, 7, 8, 9],
        "OUTPUT": str(tmp_path / "change.tif"),
    }
    outputs = run("detectchange", parameters)
    job = fake_engine.job
    assert fake_engine.verb == "detect-change"
    assert (job["before"], job["after"]) == (scene, later_scene)
    assert "bands" not in job
    assert job["after_bands"] == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert job["threshold"] is None, "the model's own"
    assert (outputs["THRESHOLD_USED"], outputs["AREA_CHANGED"]) == (0.4, 200.0)
    run("detectchange", {**parameters, "THRESHOLD": 0.0})
    assert fake_engine.job["threshold"] == 0.0


def test_importing_a_model(run, fake_engine, tmp_path):
    checkpoint = tmp_path / "SpectralGPT.pth"
    checkpoint.write_bytes(b"x")
    fake_engine.result = {"model": {"name": "mine", "sha256": "0"}, "task": "backbone"}
    outputs = run(
        "importmodel",
        {"INPUT": str(checkpoint), "NAME": "mine", "OUTPUT_MODEL": str(tmp_path / "m.safetensors")},
    )
    assert fake_engine.verb == "import"
    assert fake_engine.job == {
        "input": str(checkpoint),
        "output": str(tmp_path / "m.safetensors"),
        "kind": "auto",
        "name": "mine",
    }
    assert outputs["MODEL_NAME"] == "mine"
    assert outputs["MODEL_TASK"] == "backbone"


@pytest.mark.parametrize(("ships", "legend"), [(True, "Gewässer"), (False, "Water")])
def test_legends_call_the_classes_of_shipped_models_in_the_users_language(
    run, fake_engine, segmenting, models, monkeypatch, ships, legend
):
    """Classes of the user's own models keep the user's names, and files always have the English names."""
    monkeypatch.setattr(raster_algorithm, "translated", {"Water": "Gewässer"}.get)
    if ships:
        (models / "landcover.onnx").unlink()
    water = {"value": 1, "name": "water", "title": "Water", "color": "#2266cc"}
    fake_engine.result = {"classes": [water], "areas": []}
    fake_engine.during = lambda job: write_class_map(job["output"])
    outputs = run("segment", segmenting)
    layer = QgsRasterLayer(outputs["OUTPUT"], "map")
    assert [item.label for item in layer.renderer().classes()] == [legend]

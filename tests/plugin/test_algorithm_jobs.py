"""What the engine is asked for, and what becomes of its answer; the engine is a stand-in here."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest
from osgeo import gdal, ogr, osr
from qgis.core import (
    QgsFeature,
    QgsGeometry,
    QgsProcessingException,
    QgsProcessingFeatureSourceDefinition,
    QgsProcessingFeedback,
    QgsProcessingUtils,
    QgsProject,
    QgsRasterLayer,
    QgsRasterRange,
    QgsRectangle,
    QgsVectorLayer,
)

from spectralgpt_qgis.engine_client import EngineCancelled, EngineFailed

LAND = [
    {"value": 1, "name": "water", "title": "Water", "color": "#2a7fb8"},
    {"value": 2, "name": "trees", "title": "Trees", "color": "#2f8f4e"},
    {"value": 3, "name": "bare", "title": "Bare ground", "color": "#e9c46a"},
]
AREAS = [
    {"value": 1, "name": "water", "pixels": 10, "area_m2": 1000.0},
    {"value": 2, "name": "trees", "pixels": 5, "area_m2": 500.0},
    {"value": 3, "name": "bare", "pixels": 0, "area_m2": 0.0},
]


def write_class_map(path):
    raster = gdal.GetDriverByName("GTiff").Create(str(path), 4, 4, 1)
    raster.SetGeoTransform((2.8, 0.001, 0, 42.4, 0, -0.001))
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(4326)
    raster.SetProjection(reference.ExportToWkt())
    raster.GetRasterBand(1).SetNoDataValue(0)
    raster.GetRasterBand(1).Fill(1)


@pytest.fixture
def segmenting(fake_engine, scene, tmp_path):
    fake_engine.result = {
        "windows": {"total": 9, "run": 7, "skipped": 2},
        "device": "cpu",
        "classes": LAND,
        "areas": AREAS,
    }
    fake_engine.during = lambda job: write_class_map(job["output"])
    return {"INPUT": scene, "OUTPUT": str(tmp_path / "map.tif")}


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
    with pytest.raises(QgsProcessingException, match="holds no features"):
        run("segment", {**segmenting, "MASK": layer.id()})


def test_an_empty_extent_is_refused(run, segmenting):
    with pytest.raises(QgsProcessingException, match="extent is empty"):
        run("segment", {**segmenting, "EXTENT": "2.8,2.8,42.3,42.4 [EPSG:4326]"})


def test_no_data_that_the_user_added_to_the_layer(run, fake_engine, segmenting, scene):
    layer = QgsRasterLayer(scene, "boadella")
    layer.dataProvider().setUserNoDataValue(1, [QgsRasterRange(7, 7)])
    layer.dataProvider().setUserNoDataValue(2, [QgsRasterRange(9, 9), QgsRasterRange(20, 30)])
    QgsProject.instance().addMapLayer(layer)
    run("segment", {**segmenting, "INPUT": layer.id()})
    assert fake_engine.job["nodata"] == [7.0, 9.0]
    assert "range 20.0 to 30.0 of 'boadella' is left out" in run.feedback.textLog()


def test_options_of_the_layer_source_do_not_reach_the_engine(run, fake_engine, segmenting, scene):
    """Open options cannot be handed on by name, so the layer is copied as QGIS reads it."""
    layer = QgsRasterLayer(f"{scene}|option:NUM_THREADS=1", "boadella")
    assert layer.isValid()
    QgsProject.instance().addMapLayer(layer)
    names = []

    def during(job):
        write_class_map(job["output"])
        copy = gdal.Open(job["input"])
        names.extend(copy.GetRasterBand(n + 1).GetDescription() for n in range(copy.RasterCount))

    fake_engine.during = during
    run("segment", {**segmenting, "INPUT": layer.id()})
    assert "|" not in fake_engine.job["input"]
    original = gdal.Open(scene)
    assert names == [
        original.GetRasterBand(n + 1).GetDescription() for n in range(original.RasterCount)
    ]


@pytest.mark.parametrize("name", ["NETCDF", "vsizip"])
def test_gdal_names_pass_as_they_are(run, fake_engine, segmenting, scene, tmp_path, name):
    import zipfile

    if name == "vsizip":
        with zipfile.ZipFile(tmp_path / "scene.zip", "w") as archive:
            archive.write(scene, "scene.tif")
        source = f"/vsizip/{tmp_path}/scene.zip/scene.tif"
    else:
        gdal.Translate(str(tmp_path / "scene.nc"), scene, format="netCDF", bandList=[1])
        source = f'NETCDF:"{tmp_path}/scene.nc":Band1'
    layer = QgsRasterLayer(source, "scene")
    assert layer.isValid()
    QgsProject.instance().addMapLayer(layer)
    run("segment", {**segmenting, "INPUT": layer.id()})
    assert fake_engine.job["input"] == source


def virtual_layer(scene):
    """A layer that is no file: QGIS computes it."""
    inner = QgsRasterLayer(scene, "inner")
    area = inner.extent()
    corners = (area.xMinimum(), area.yMinimum(), area.xMaximum(), area.yMaximum())
    doubled = quote('"inner@1" * 2')
    uri = (
        f"?crs=EPSG:4326&extent={','.join(map(str, corners))}"
        f"&width={inner.width()}&height={inner.height()}"
        f"&formula={doubled}&inner:uri={quote(scene)}&inner:provider=gdal"
    )
    layer = QgsRasterLayer(uri, "doubled", "virtualraster")
    assert layer.isValid()
    QgsProject.instance().addMapLayer(layer)
    return layer


def test_a_layer_that_is_no_file_is_copied(run, fake_engine, segmenting, scene):
    seen = {}

    def during(job):
        write_class_map(job["output"])
        copy = gdal.Open(job["input"])
        seen["size"] = (copy.RasterXSize, copy.RasterYSize)
        seen["pixel"] = copy.GetRasterBand(1).ReadAsArray(50, 60, 1, 1)[0, 0]
        seen["file"] = job["input"]

    fake_engine.during = during
    run("segment", {**segmenting, "INPUT": virtual_layer(scene).id()})
    original = gdal.Open(scene)
    assert seen["size"] == (original.RasterXSize, original.RasterYSize)
    assert seen["pixel"] == 2 * original.GetRasterBand(1).ReadAsArray(50, 60, 1, 1)[0, 0]
    assert not Path(seen["file"]).exists(), "the temporary file must be gone"


def test_only_the_extent_is_copied(run, fake_engine, segmenting, scene):
    layer = virtual_layer(scene)
    area = layer.extent()
    half = (area.xMinimum() + area.xMaximum()) / 2
    sizes = []

    def during(job):
        write_class_map(job["output"])
        copy = gdal.Open(job["input"])
        sizes.append((copy.RasterXSize, copy.RasterYSize))

    fake_engine.during = during
    extent = f"{area.xMinimum()},{half},{area.yMinimum()},{area.yMaximum()} [EPSG:4326]"
    run("segment", {**segmenting, "INPUT": layer.id(), "EXTENT": extent})
    assert sizes == [(layer.width() // 2, layer.height())]


def test_a_copy_that_would_be_too_large(run, segmenting, scene, monkeypatch):
    from spectralgpt_qgis.algorithms import raster_input

    monkeypatch.setattr(raster_input, "EXPORT_LIMIT", 1000)
    with pytest.raises(QgsProcessingException) as caught:
        run("segment", {**segmenting, "INPUT": virtual_layer(scene).id()})
    assert "at most 0.0 GB can be copied" in str(caught.value)
    assert "Set a smaller extent, or save the layer as a GeoTIFF" in str(caught.value)


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
    """As one types them for qgis_process; the engine works in another folder."""
    folder = Path(segmenting["OUTPUT"]).parent
    monkeypatch.chdir(folder)
    here = folder / "here.tif"
    here.write_bytes(Path(scene).read_bytes())
    run("segment", {"INPUT": "here.tif", "OUTPUT": "map.tif", "CONFIDENCE": "sure.tif"})
    assert fake_engine.job["input"] == str(here)
    assert fake_engine.job["output"] == str(folder / "map.tif")
    assert fake_engine.job["confidence"] == str(folder / "sure.tif")


def test_rows_of_a_killed_engine_wait_for_the_next_run(run, fake_engine, segmenting, tmp_path):
    rows = tmp_path / ".spectralgpt-resume-map.tif"
    rows.touch()
    fake_engine.failure = EngineFailed("EngineDied", "It was killed.")
    with pytest.raises(QgsProcessingException, match="It was killed"):
        run("segment", segmenting)
    assert "it goes on where it stopped" in run.feedback.textLog()
    assert rows.exists()


def test_rows_of_an_engine_that_was_killed_after_a_cancel_go(
    run, fake_engine, segmenting, tmp_path
):
    rows = tmp_path / ".spectralgpt-resume-map.tif"
    rows.touch()
    fake_engine.failure = EngineCancelled()
    assert run("segment", segmenting) == {}
    assert not rows.exists()


def test_nobody_goes_on_with_a_temporary_output(run, fake_engine, segmenting):
    """Its next run has another name."""
    output = Path(QgsProcessingUtils.tempFolder()) / "map.tif"
    rows = output.with_name(".spectralgpt-resume-map.tif")
    rows.touch()
    fake_engine.failure = EngineFailed("EngineDied", "It was killed.")
    with pytest.raises(QgsProcessingException, match="It was killed"):
        run("segment", {**segmenting, "OUTPUT": str(output)})
    assert "goes on" not in run.feedback.textLog()
    assert not rows.exists()


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
    assert fake_engine.job["zones"].endswith("zones.gpkg")
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

"""The algorithms with the real engine in its own process, on real imagery, with models whose answer can be computed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal
from qgis.core import (
    QgsApplication,
    QgsFeature,
    QgsGeometry,
    QgsProcessingAlgRunnerTask,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingOutputLayerDefinition,
    QgsProject,
    QgsRasterLayer,
    QgsRectangle,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QEventLoop, QTimer

ROOT = Path(__file__).resolve().parents[2]
GREEN, RED, NIR = 3, 4, 8  # bands of the sample


def read(path, band=1):
    dataset = gdal.Open(str(path))  # a band does not keep its dataset alive
    return dataset.GetRasterBand(band).ReadAsArray()


def expected_classes(scene):
    """The tiny model's rule, by hand: 60 (green - nir), 30 (nir - red) - 3, or 0 wins."""
    green, red, nir = (read(scene, band).astype("float32") / 10000 for band in (GREEN, RED, NIR))
    scores = np.stack([60 * (green - nir), 30 * (nir - red) - 3, np.zeros_like(nir)])
    return scores.argmax(0) + 1


def leftovers(folder):
    return sorted(path.name for path in folder.iterdir() if path.name.startswith("."))


@pytest.fixture
def big_scene(scene, tmp_path):
    """The sample enlarged 6 x 6 (5 Mpx): long enough to interrupt."""
    target = str(tmp_path / "big.vrt")
    gdal.Translate(target, scene, widthPct=600, heightPct=600)
    return target


def finish(task, seconds=120):
    """Runs a task through QGIS's task manager with the event loop alive; returns (success, results, beats)."""
    done, beats = [], []
    loop = QEventLoop()
    task.executed.connect(lambda ok, results: (done.append((ok, results)), loop.quit()))
    beat = QTimer()
    beat.timeout.connect(lambda: beats.append(time.monotonic()))
    beat.start(20)
    QTimer.singleShot(seconds * 1000, loop.quit)
    QgsApplication.taskManager().addTask(task)
    loop.exec()
    beat.stop()
    assert done, f"the task did not end within {seconds} s"
    return (*done[0], beats)


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
    # 377 x 380 pixels of about 10 x 10 m: the scene covers some 14 km2.
    assert 14.0e6 < outputs["AREA_TOTAL"] < 14.7e6
    assert Path(outputs["AREAS"]).read_text(encoding="utf-8").startswith("value,name,")
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
    # A renderer does not keep its layer alive.
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


def test_a_threaded_run_leaves_qgis_alive_and_loads_styled_layers(
    provider, models, scene, tmp_path
):
    context, feedback = QgsProcessingContext(), QgsProcessingFeedback()
    context.setProject(QgsProject.instance())
    # As the dialog does for "open output file after running".
    target = QgsProcessingOutputLayerDefinition(str(tmp_path / "map.tif"), QgsProject.instance())
    parameters = {"INPUT": scene, "OUTPUT": target, "CONFIDENCE": "TEMPORARY_OUTPUT"}
    algorithm = provider.algorithm("segment").create()
    succeeded, results, beats = finish(
        QgsProcessingAlgRunnerTask(algorithm, parameters, context, feedback)
    )
    assert succeeded
    assert results["OUTPUT"] == str(tmp_path / "map.tif")
    pauses = np.diff(beats)
    assert pauses.max() < 1.0, "the main thread must not stand still"

    from processing.gui.Postprocessing import handleAlgorithmResults

    assert handleAlgorithmResults(algorithm, context, feedback, parameters=parameters)
    (layer,) = QgsProject.instance().mapLayers().values()
    assert [item.label for item in layer.renderer().classes()] == [
        "Water",
        "Vegetation",
        "Bare ground",
    ]


def test_a_cancel_is_prompt_and_leaves_nothing(provider, models, big_scene, tmp_path):
    context, feedback = QgsProcessingContext(), QgsProcessingFeedback()
    context.setProject(QgsProject.instance())
    output = tmp_path / "out" / "map.tif"
    output.parent.mkdir()
    algorithm = provider.algorithm("segment").create()
    task = QgsProcessingAlgRunnerTask(
        algorithm, {"INPUT": big_scene, "OUTPUT": str(output)}, context, feedback
    )
    cancelled = []

    def cancel_when_running(percent):
        if percent > 2 and not cancelled:
            cancelled.append(time.monotonic())
            task.cancel()

    feedback.progressChanged.connect(cancel_when_running)
    succeeded, _, _ = finish(task)
    took = time.monotonic() - cancelled[0]
    assert not succeeded
    assert took < 2.0
    assert list(output.parent.iterdir()) == []


def engine_processes():
    """Engines that run now: their process ids."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().split(b"\0")
            parent = (folder / "stat").read_text().rsplit(")", 1)[1].split()[1]
        except OSError:
            continue
        if command[1:4] == [b"-m", b"engine", b"run"] and int(parent) == os.getpid():
            found.append(int(folder.name))
    return found


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds the process in /proc")
def test_a_killed_engine_is_an_error_with_a_remedy_and_qgis_goes_on(
    run, models, big_scene, scene, tmp_path
):
    output = tmp_path / "out" / "map.tif"
    output.parent.mkdir()
    killed = []

    feedback = QgsProcessingFeedback()

    def kill(percent):
        if percent > 2 and not killed:
            killed.extend(engine_processes())
            for process in killed:
                os.kill(process, signal.SIGKILL)

    feedback.progressChanged.connect(kill)
    with pytest.raises(QgsProcessingException) as caught:
        run("segment", {"INPUT": big_scene, "OUTPUT": str(output)}, feedback)
    assert len(killed) == 1
    assert "signal 9" in str(caught.value)
    assert "run it again" in str(caught.value)
    # What was computed waits for the same job; another one into the same output takes its place.
    assert [path.name for path in output.parent.iterdir()] == [".spectralgpt-resume-map.tif"]
    assert run("segment", {"INPUT": scene, "OUTPUT": str(output)})["WINDOWS_RUN"] > 0
    assert not any(path.name.startswith(".") for path in output.parent.iterdir())


def bad_raster(what, scene, folder):
    """A copy of the scene with one thing wrong."""
    path = folder / "bad.tif"
    if what == "three bands":
        gdal.Translate(str(path), scene, bandList=[2, 3, 4])
    if what == "no names":
        dataset = gdal.Translate(str(path), scene, creationOptions=["PROFILE=GeoTIFF"])
        for band in range(1, dataset.RasterCount + 1):
            dataset.GetRasterBand(band).SetDescription("")
        dataset = None
        (folder / "bad.tif.aux.xml").unlink(missing_ok=True)
    if what == "no CRS":
        source = gdal.Open(scene)
        dataset = gdal.GetDriverByName("GTiff").CreateCopy(str(path), source)
        dataset.SetProjection("")
        dataset = None
    if what == "truncated":
        content = Path(scene).read_bytes()
        path.write_bytes(content[: len(content) // 3])
    return str(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"INPUT": "three bands"}, "B05"),
        ({"INPUT": "no names"}, "band"),
        ({"INPUT": "no CRS"}, "coordinate reference system"),
        ({"INPUT": "truncated"}, "not copied to its end"),
        ({"MASK": "elsewhere"}, "mask"),
        ({"MODEL": "damaged"}, "changed or damaged"),
        ({"MODEL": "text"}, "cannot be read as a model"),
        ({"OUTPUT": "/nowhere/map.tif"}, "does not exist"),
        ({"EXTENT": "100,101,10,11 [EPSG:4326]"}, "extent"),
    ],
)
def test_bad_input_is_told_and_leaves_nothing(run, models, scene, tmp_path, change, message):
    folder = tmp_path / "out"
    folder.mkdir()
    parameters = {"INPUT": scene, "OUTPUT": str(folder / "map.tif"), **change}
    if "INPUT" in change:
        parameters["INPUT"] = bad_raster(change["INPUT"], scene, tmp_path)
    if "MASK" in change:
        mask = QgsVectorLayer("Polygon?crs=EPSG:4326", "elsewhere", "memory")
        feature = QgsFeature()
        feature.setGeometry(QgsGeometry.fromRect(QgsRectangle(10, 50, 11, 51)))
        mask.dataProvider().addFeatures([feature])
        QgsProject.instance().addMapLayer(mask)
        parameters["MASK"] = mask.id()
    if parameters.get("MODEL") == "damaged":
        parameters["MODEL"] = str(tmp_path / "damaged.onnx")
        content = bytearray((models / "landcover.onnx").read_bytes())
        at = content.index(np.float32(-60).tobytes())
        content[at : at + 4] = np.float32(-50).tobytes()
        Path(parameters["MODEL"]).write_bytes(content)
    if parameters.get("MODEL") == "text":
        parameters["MODEL"] = str(tmp_path / "text.onnx")
        Path(parameters["MODEL"]).write_text("not a model")
    with pytest.raises(QgsProcessingException) as caught:
        run("segment", parameters)
    assert message in str(caught.value)
    assert list(folder.iterdir()) == []


def test_a_file_that_is_no_checkpoint(run, models, tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    (tmp_path / "notes.pth").write_text("not a checkpoint")
    with pytest.raises(QgsProcessingException) as caught:
        run(
            "importmodel",
            {"INPUT": str(tmp_path / "notes.pth"), "OUTPUT_MODEL": str(folder / "m.safetensors")},
        )
    assert "notes.pth" in str(caught.value)
    assert list(folder.iterdir()) == []


def test_on_the_command_line(models, scene, tmp_path):
    """`qgis_process` in a profile of its own, with the plugin of this checkout."""
    program = shutil.which("qgis_process.bin") or shutil.which("qgis_process")
    assert program, "QGIS's command line is not installed"
    profile = tmp_path / "profile"
    subprocess.run([sys.executable, str(ROOT / "scripts" / "profile.py"), str(profile)], check=True)
    environment = {
        **os.environ,
        "QGIS_CUSTOM_CONFIG_PATH": str(profile),
        "QT_QPA_PLATFORM": "offscreen",
    }
    listed = subprocess.run(
        [program, "help", "spectralgpt:segment"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    ).stdout
    assert "OUTPUT_VECTOR" in listed
    done = subprocess.run(
        [
            *(program, "--json", "run", "spectralgpt:segment", "--"),
            *(f"INPUT={scene}", f"OUTPUT={tmp_path / 'map.tif'}", "DEVICE=cpu"),
        ],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    results = json.loads(done.stdout[done.stdout.index("{") :])["results"]
    assert results["OUTPUT"] == str(tmp_path / "map.tif")
    assert results["WINDOWS_RUN"] > 0
    assert (read(tmp_path / "map.tif") == expected_classes(scene)).mean() > 0.999
    assert (tmp_path / "map.qml").is_file(), "headless results have their style too"


def test_several_runs_at_once(provider, models, scene, tmp_path):
    """As a batch with parallel jobs, or a user who starts a second run: each has its own engine."""
    import processing

    outputs, problems = {}, []

    def one(number):
        try:
            outputs[number] = processing.run(
                "spectralgpt:segment",
                {"INPUT": scene, "OUTPUT": str(tmp_path / f"{number}.tif"), "THREADS": 1},
            )
        except Exception as error:
            problems.append(error)

    workers = [threading.Thread(target=one, args=(number,)) for number in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert problems == []
    assert (read(tmp_path / "0.tif") == read(tmp_path / "1.tif")).all()

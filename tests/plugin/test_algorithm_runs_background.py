"""Background runs with the real engine: in QGIS's task manager, cancelled, killed, several at once."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal
from qgis.core import (
    QgsApplication,
    QgsProcessingAlgRunnerTask,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingOutputLayerDefinition,
    QgsProject,
)
from qgis.PyQt.QtCore import QEventLoop, QTimer

from tests.plugin.tiny_models import read


@pytest.fixture
def big_scene(scene, tmp_path):
    """The sample enlarged 6 x 6 (5 Mpx), which takes long enough to interrupt a run."""
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


def test_a_threaded_run_leaves_qgis_alive_and_loads_styled_layers(
    provider, models, scene, tmp_path, tree_view
):
    context, feedback = QgsProcessingContext(), QgsProcessingFeedback()
    context.setProject(QgsProject.instance())
    # As Processing's dialog does for "Open output file after running algorithm".
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
    """Process ids of the engines that are running."""
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
    # The finished rows are kept for the same job; another job with the same output removes them.
    assert [path.name for path in output.parent.iterdir()] == [".spectralgpt-resume-map.tif"]
    assert run("segment", {"INPUT": scene, "OUTPUT": str(output)})["WINDOWS_RUN"] > 0
    assert not any(path.name.startswith(".") for path in output.parent.iterdir())


def test_several_runs_at_once(provider, models, scene, tmp_path):
    """As in a batch with parallel jobs, or if a user starts a second run: each run has its own engine."""
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

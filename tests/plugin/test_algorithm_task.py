"""Processing algorithms as tasks: their signals, how they end, and what a second cancel does."""

from __future__ import annotations

import threading

import pytest
from qgis.core import (
    QgsApplication,
    QgsFeature,
    QgsGeometry,
    QgsProject,
    QgsRectangle,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QEventLoop, QTimer

from spectralgpt_qgis.engine_client import EngineCancelled, EngineFailed
from spectralgpt_qgis.tasks.algorithm_feedback import AlgorithmFeedback
from spectralgpt_qgis.tasks.algorithm_task import AlgorithmTask


@pytest.fixture
def learning(fake_engine, scene, tmp_path):
    """Parameters of a training, to which the stand-in for the engine answers."""
    layer = QgsVectorLayer("Polygon?crs=EPSG:32631&field=class:string", "labels", "memory")
    for number, label in enumerate(("water", "trees")):
        feature = QgsFeature(layer.fields())
        left = 319000 + 300 * number
        feature.setGeometry(QgsGeometry.fromRect(QgsRectangle(left, 4693000, left + 100, 4693100)))
        feature.setAttributes([label])
        layer.dataProvider().addFeatures([feature])
    QgsProject.instance().addMapLayer(layer)
    fake_engine.result = {"model": {"name": "mine"}, "method": "quick", "classes": [1, 2]}
    return {
        "INPUT": [scene],
        "LABELS": layer.id(),
        "FIELD": "class",
        "OUTPUT_MODEL": str(tmp_path / "mine.onnx"),
    }


@pytest.fixture
def task(provider, learning):
    from processing.tools import dataobjects

    feedback = AlgorithmFeedback()
    context = dataobjects.createContext(feedback)
    return AlgorithmTask("Train", "spectralgpt:finetune", learning, context, feedback)


def run_in_qgis(task, seconds=20):
    """Gives the task to QGIS; returns how it ended."""
    told = []
    loop = QEventLoop()
    for name in ("succeeded", "failed", "stopped"):
        getattr(task, name).connect(
            lambda *values, name=name: (told.append((name, *values)), loop.quit())
        )
    QTimer.singleShot(seconds * 1000, loop.quit)
    QgsApplication.taskManager().addTask(task)
    loop.exec()
    assert len(told) == 1, f"{told}: expected one ending"
    return told[0]


def test_everything_the_engine_tells_arrives_on_the_main_thread(task, fake_engine):
    seen, threads = [], []
    feedback = task.feedback
    for name in ("advanced", "logged", "warned", "measured", "described"):
        getattr(feedback, name).connect(
            lambda *values, name=name: (
                seen.append((name, *values)),
                threads.append(threading.get_ident()),
            )
        )
    fake_engine.during = lambda job: (
        feedback.measure("loss", 1, 0.5),
        feedback.describe({"rounds": 3}),
        threads.append(threading.get_ident()),
    )
    assert task.prepare() == ""
    name, outputs = run_in_qgis(task)
    assert name == "succeeded" and outputs["MODEL_NAME"] == "mine"
    assert feedback.result == fake_engine.result
    assert ("advanced", 50.0, "Halfway", 30.0) in seen
    assert ("warned", "Look out") in seen and ("logged", "Device: cpu") in seen
    assert ("measured", "loss", 1, 0.5) in seen and ("described", {"rounds": 3}) in seen
    assert threads.count(threading.get_ident()) == len(threads) - 1, "only the run was elsewhere"


def test_wrong_parameters_are_refused_before_the_start(provider, learning):
    from processing.tools import dataobjects

    feedback = AlgorithmFeedback()
    context = dataobjects.createContext(feedback)
    wrong = AlgorithmTask("x", "spectralgpt:finetune", {**learning, "INPUT": []}, context, feedback)
    assert wrong.prepare() != ""
    unknown = AlgorithmTask("x", "spectralgpt:nonsense", {}, context, feedback)
    assert "spectralgpt:nonsense" in unknown.prepare()


def test_a_failure_has_the_engines_words_and_its_details(task, fake_engine):
    fake_engine.failure = EngineFailed("BandMismatch", "B05 is missing.", "Traceback ...")
    assert task.prepare() == ""
    assert run_in_qgis(task) == ("failed", "B05 is missing.", "Traceback ...")


def test_a_failure_without_details_shows_no_python(task, fake_engine):
    fake_engine.failure = EngineFailed("BandMismatch", "B05 is missing.", "")
    assert task.prepare() == ""
    assert run_in_qgis(task) == ("failed", "B05 is missing.", "")


def test_a_cancel_that_keeps_nothing(task, fake_engine):
    fake_engine.during = lambda job: task.cancel()
    fake_engine.failure = EngineCancelled()
    assert task.prepare() == ""
    assert run_in_qgis(task) == ("stopped",)


def test_a_cancel_that_keeps_the_best_succeeds(task, fake_engine):
    fake_engine.result["cancelled"] = True
    fake_engine.during = lambda job: task.cancel()
    assert task.prepare() == ""
    name, outputs = run_in_qgis(task)
    assert name == "succeeded" and outputs["MODEL_NAME"] == "mine"


def test_only_the_second_cancel_gives_up(task):
    assert (task.feedback.isCanceled(), task.feedback.is_abandoned()) == (False, False)
    task.cancel()
    assert (task.feedback.isCanceled(), task.feedback.is_abandoned()) == (True, False)
    task.cancel()
    assert task.feedback.is_abandoned()

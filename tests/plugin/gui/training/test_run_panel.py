"""The panel for a running training, with a stand-in for the engine."""

from __future__ import annotations

import time

import pytest
from qgis.core import QgsProject
from qgis.PyQt.QtWidgets import QApplication

from spectralgpt_qgis import paths
from spectralgpt_qgis.engine_client import EngineCancelled, EngineFailed
from spectralgpt_qgis.gui.training.run_panel import RunPanel
from tests.plugin.sample_labels import SCENE, water_and_land
from tests.plugin.waiting import wait

CLASSES = [{"title": "Land", "color": "#7a9a3a"}, {"title": "Water", "color": "#2266cc"}]


@pytest.fixture
def panel(provider):
    made = RunPanel()
    made.show()
    yield made
    made.shut_down()
    made.deleteLater()


@pytest.fixture
def told(panel):
    """The signals about the end of a run, in order."""
    seen = []
    panel.finished.connect(lambda result: seen.append(("finished", result)))
    panel.failed.connect(lambda message, details: seen.append(("failed", message, details)))
    panel.stopped.connect(lambda: seen.append(("stopped",)))
    return seen


@pytest.fixture
def parameters(models, tmp_path):
    return {
        "INPUT": [SCENE],
        "LABELS": water_and_land().id(),
        "FIELD": "kind",
        "METHOD": "quick",
        "DEVICE": "cpu",
        "OUTPUT_MODEL": str(paths.user_models() / "reservoir.onnx"),
        "OUTPUT_REPORT": str(tmp_path / "report.html"),
    }


@pytest.fixture
def fake(fake_engine):
    """An engine that trains two rounds instantly."""
    fake_engine.result = {"model": {"name": "mine"}, "method": "full", "classes": CLASSES}
    return fake_engine


def test_before_and_while_nothing_is_known(panel):
    assert not panel.running
    assert not panel.cancel_button.isVisible() and not panel.classes.isVisible()
    panel.cancel()  # without a run, not an error
    assert panel.doing.text() == ""


def test_what_the_engine_tells_is_shown(panel, told, parameters, fake):
    def work(job):
        feedback = panel.run._task.feedback
        feedback.describe({"classes": CLASSES, "method": "full", "rounds": 2, "keeps": True})
        for step, score in enumerate((0.5, 0.75, 0.625)):
            feedback.measure("val_miou", step, score)
            feedback.measure("val_iou/Water", step, score)
        feedback.measure("loss", 1, 0.4)
        feedback.measure("loss", 2, 0.2)

    fake.during = work
    panel.start(parameters)
    assert panel.running and panel.cancel_button.isVisible()
    wait(lambda: told)
    (name, result), *others = told
    assert (name, others) == ("finished", [])
    assert result["MODEL_NAME"] == "mine" and result["TRAINING"] == fake.result
    assert panel.record.best_round() == (1, 0.75)
    assert panel.classes.item(1, 0).text() == "Water"
    assert panel.classes.item(1, 1).text() == "62 %", "of the last round"
    assert panel.classes.item(0, 1).text() == "–"
    assert "Warning: Look out" in panel.log.toPlainText()
    assert "epoch 1" in panel.doing.text()
    assert not panel.running and not panel.cancel_button.isVisible()
    assert "Mean overlap (IoU): 62 %" in panel.chart.accessibleDescription()


def test_a_second_start_while_it_runs_does_nothing(panel, told, parameters, fake):
    asked = []
    fake.during = lambda job: (asked.append(job), time.sleep(0.2))
    panel.start(parameters)
    panel.start(parameters)
    wait(lambda: told)
    assert len(asked) == 1 and len(told) == 1


def test_what_cannot_start_fails_at_once(panel, told, parameters, fake):
    panel.start({**parameters, "INPUT": []})
    assert [item[0] for item in told] == ["failed"] and told[0][1]
    assert panel.doing.text() == told[0][1] and not panel.running


def test_a_failure(panel, told, parameters, fake):
    fake.failure = EngineFailed("BandMismatch", "B05 is missing.", "Traceback ...")
    panel.start(parameters)
    wait(lambda: told)
    assert told == [("failed", "B05 is missing.", "Traceback ...")]
    assert "Traceback" in panel.log.toPlainText()


def until_cancelled(fake):
    def work(job):
        while not fake.is_cancelled():
            time.sleep(0.01)

    return work


def test_a_cancel_without_a_model_says_so(panel, told, parameters, fake):
    def work(job):
        panel.run._task.feedback.describe({"classes": CLASSES, "method": "quick", "parts": 5})
        until_cancelled(fake)(job)

    fake.during, fake.failure = work, EngineCancelled()
    panel.start(parameters)
    assert "nothing" in panel.keeping.text()
    wait(lambda: fake.verb)
    wait(panel.classes.isVisible)
    assert panel.chart.isVisible()
    panel.cancel()
    assert panel.cancel_button.text() == "Stop now"
    wait(lambda: told)
    assert told == [("stopped",)]
    assert "nothing was saved" in panel.doing.text()
    assert not panel.chart.isVisible() and not panel.classes.isVisible(), "nothing was judged"


def test_a_cancel_at_once_may_come_before_the_engine(panel, told, parameters, fake):
    fake.during, fake.failure = until_cancelled(fake), EngineCancelled()
    panel.start(parameters)
    panel.cancel()
    wait(lambda: told)
    assert told == [("stopped",)] and not panel.running
    assert "nothing was saved" in panel.doing.text()


def test_a_cancel_keeps_the_best(panel, told, parameters, fake):
    def work(job):
        feedback = panel.run._task.feedback
        feedback.describe({"classes": CLASSES, "rounds": 9, "keeps": True})
        feedback.measure("val_miou", 0, 0.5)
        feedback.measure("loss", 1, 0.4)
        feedback.measure("val_miou", 1, 0.75)
        until_cancelled(fake)(job)

    fake.during = work
    fake.result["cancelled"] = True
    panel.start(parameters)
    wait(lambda: "epoch 1" in panel.keeping.text())
    panel.cancel()
    assert "saving the best model" in panel.doing.text()
    wait(lambda: told)
    assert told[0][0] == "finished" and told[0][1]["MODEL_NAME"] == "mine"
    assert "The model of epoch 1, the best so far, was kept." in panel.doing.text()


def test_closing_the_project_or_the_panel_during_a_run(panel, told, parameters, fake):
    fake.during = lambda job: time.sleep(0.3)
    panel.start(parameters)
    QgsProject.instance().clear()
    wait(lambda: told)
    assert told[0][0] == "finished"
    fake.during, fake.failure = until_cancelled(fake), EngineCancelled()
    water = water_and_land()
    panel.start({**parameters, "LABELS": water.id()})
    feedback = panel.run._task.feedback
    panel.shut_down()
    assert feedback.is_abandoned() and not panel.running
    ended = time.monotonic() + 0.5
    wait(lambda: time.monotonic() > ended)
    assert len(told) == 1, "who has gone is told nothing"


@pytest.mark.parametrize("width", [300, 360, 700])
def test_it_fits_into_a_dock(panel, told, parameters, fake, width):
    panel.resize(width, 600)
    fake.during = lambda job: panel.run._task.feedback.describe({"classes": CLASSES, "parts": 5})
    panel.start(parameters)
    wait(lambda: told)
    QApplication.processEvents()
    assert panel.width() == width, "nothing in it asks for more"


def test_for_real_a_cancel_keeps_a_model_that_maps(panel, told, parameters, run):
    """As soon as the panel says that a model would be kept, which is before the first epoch."""
    panel.start({**parameters, "METHOD": "adapters", "EPOCHS": 9})
    wait(lambda: panel.record.keeps or told, 300)
    assert not told
    assert "If you cancel" in panel.keeping.text()
    panel.cancel_button.click()
    wait(lambda: told, 300)
    name, result = told[0]
    assert name == "finished" and result["TRAINING"]["cancelled"] is True, told
    assert "before the first epoch" in panel.doing.text()
    assert result["TRAINING"]["accuracy"]["samples"] > 0
    mapped = run("segment", {"INPUT": SCENE, "MODEL": "reservoir", "OUTPUT": "TEMPORARY_OUTPUT"})
    assert mapped["CLASS_COUNT"] == 2

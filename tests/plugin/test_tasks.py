"""Tasks and their three final signals, run by QGIS's task manager and directly."""

from __future__ import annotations

import gc
import time

import pytest
from qgis.core import QgsApplication
from qgis.PyQt.QtCore import QEventLoop, QTimer

from spectralgpt_qgis import engine_access
from spectralgpt_qgis.engine_client import EngineFailed
from spectralgpt_qgis.engine_environment import InstallCancelled, Status
from spectralgpt_qgis.tasks.base import BaseTask, TaskCancelled
from spectralgpt_qgis.tasks.engine_task import EngineTask
from spectralgpt_qgis.tasks.environment_task import EnvironmentTask


class Work(BaseTask):
    """Calls a given function."""

    def __init__(self, work):
        super().__init__("Work")
        self._work = work

    def _run(self):
        return self._work(self)


@pytest.fixture
def endings():
    """Return a function that records a task's final signals."""

    def listen(task):
        told = []
        task.succeeded.connect(lambda result: told.append(("succeeded", result)))
        task.failed.connect(lambda message, details: told.append(("failed", message, details)))
        task.stopped.connect(lambda: told.append(("stopped",)))
        return told

    return listen


def run_in_qgis(task, told, seconds=20):
    """Give the task to QGIS's task manager and wait for its end."""
    loop = QEventLoop()
    for signal in (task.succeeded, task.failed, task.stopped):
        signal.connect(lambda *_: loop.quit())
    QTimer.singleShot(seconds * 1000, loop.quit)
    QgsApplication.taskManager().addTask(task)
    loop.exec()
    assert told, "the task did not end in time"


def test_a_result_even_an_empty_one(endings):
    task = Work(lambda task: {})
    told = endings(task)
    task.finished(task.run())
    assert told == [("succeeded", {})]


def test_an_error_is_kept_and_told_with_its_parts(endings):
    def fail(task):
        raise EngineFailed("BandMismatch", "B05 is missing", "Traceback ...")

    task = Work(fail)
    told = endings(task)
    assert task.run() is False
    assert told == []  # no signal from the worker thread
    task.finished(False)
    assert told == [("failed", "B05 is missing", "Traceback ...")]
    assert task.exception.kind == "BandMismatch"


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (EngineFailed("Busy", "Wait until it has ended.", ""), ("Wait until it has ended.", "")),
        (
            OSError("the drive is gone"),
            ("OSError: the drive is gone", "OSError('the drive is gone')"),
        ),
    ],
)
def test_only_an_error_without_words_for_the_user_is_told_as_python_writes_it(endings, error, told):
    def fail(task):
        raise error

    task = Work(fail)
    heard = endings(task)
    task.finished(task.run())
    assert heard == [("failed", *told)]


def test_an_unexpected_error_does_not_leave_the_task(endings):
    task = Work(lambda task: 1 / 0)
    told = endings(task)
    task.finished(task.run())
    assert told[0][:2] == ("failed", "ZeroDivisionError: division by zero")


def test_a_cancel_is_no_error(endings):
    def cancelled(task):
        raise TaskCancelled

    task = Work(cancelled)
    told = endings(task)
    task.finished(task.run())
    assert told == [("stopped",)]
    assert task.exception is None


# -- jobs of the engine ----------------------------------------------------------------------------


class FakeClient:
    """Reports the events of an engine."""

    def __init__(self):
        self.cancelled = False

    def cancel(self):
        self.cancelled = True

    def run(self, verb, parameters, *, on_progress, on_log, on_warning, on_metric, is_cancelled):
        on_progress(0.5, "half", 90.0)
        on_log("device: cpu")
        on_warning("no CRS")
        on_metric("val_miou", 3, 0.25)
        return {"verb": verb, **parameters}


def test_engine_task_hands_everything_on(endings):
    task = EngineTask("Segment", FakeClient(), "segment", {"input": "a.tif"})
    told, seen = endings(task), []
    task.advanced.connect(lambda *event: seen.append(event))
    task.logged.connect(seen.append)
    task.warned.connect(seen.append)
    task.measured.connect(lambda *event: seen.append(event))
    task.finished(task.run())
    assert told == [("succeeded", {"verb": "segment", "input": "a.tif"})]
    assert seen == [
        (50.0, "half", "about 2 min left"),
        "device: cpu",
        "no CRS",
        ("val_miou", 3, 0.25),
    ]
    assert task.progress() == 50.0


def test_cancel_reaches_the_client_at_once():
    client = FakeClient()
    EngineTask("Segment", client, "segment", {}).cancel()
    assert client.cancelled


def test_a_real_job_in_qgis(endings):
    task = EngineTask("Self-test", engine_access.client(), "doctor", {"tier": "inference"})
    told = endings(task)
    run_in_qgis(task, told, 60)
    assert told[0][0] == "succeeded"
    assert "numpy" in told[0][1]["libraries"]


def test_a_real_job_that_fails_in_qgis(endings):
    task = EngineTask("Segment", engine_access.client(), "segment", {"input": "a.tif"})
    told = endings(task)
    run_in_qgis(task, told)
    assert told[0][0] == "failed"
    assert "needs the parameter" in told[0][1]


def test_a_real_job_is_cancelled_within_two_seconds(endings):
    task = EngineTask("Self-test", engine_access.client(), "doctor", {"tier": "inference"})
    told, asked = endings(task), []

    def cancel(*_):
        if not asked:
            asked.append(time.monotonic())
            task.cancel()

    task.advanced.connect(cancel)
    run_in_qgis(task, told)
    assert told == [("stopped",)]
    assert time.monotonic() - asked[0] < 2


# -- the environment -------------------------------------------------------------------------------


class FakeEnvironment:
    def install(self, *, report, is_cancelled, tier):
        report(0.25, "Collecting numpy")
        if tier == "training":
            raise InstallCancelled
        return Status("ready", "The engine is installed.", tier)

    repair = install


@pytest.mark.parametrize(("tier", "ending"), [("inference", "succeeded"), ("training", "stopped")])
def test_environment_task(endings, tier, ending):
    task = EnvironmentTask("Install", FakeEnvironment(), "install", tier=tier)
    told, lines = endings(task), []
    task.reported.connect(lambda percent, line: lines.append((percent, line)))
    task.finished(task.run())
    assert told[0][0] == ending
    assert lines == [(25.0, "Collecting numpy")]


def test_a_task_that_nobody_keeps_runs_to_its_end():
    done = []
    task = Work(lambda task: time.sleep(0.3) or 7)
    task.succeeded.connect(done.append)
    task.start()
    del task
    gc.collect()
    until = time.monotonic() + 20
    while not done and time.monotonic() < until:
        QgsApplication.processEvents()
        gc.collect()
    assert done == [7]
    assert not BaseTask._running

"""The button that estimates a run: its query, its answer, and when it is visible."""

from __future__ import annotations

import threading

import pytest
from processing.gui import ParametersPanel
from processing.gui.AlgorithmDialog import AlgorithmDialog
from qgis.core import QgsApplication
from qgis.PyQt.QtCore import QLocale
from qgis.PyQt.QtWidgets import QDialogButtonBox, QTextBrowser

from spectralgpt_qgis.engine_client import EngineCancelled, EngineFailed
from spectralgpt_qgis.gui.estimate_button import EstimateButton, in_words
from tests.plugin.waiting import wait

ESTIMATE = {"windows": 1764, "seconds": 170.0, "memory_mb": 1100, "disk_mb": 240.2}


@pytest.fixture
def english():
    """English number format."""
    before = QLocale()
    QLocale.setDefault(QLocale("en_US"))
    yield
    QLocale.setDefault(before)


@pytest.fixture
def open_dialog(provider, fake_engine, english, monkeypatch):
    """Opens Processing's dialog of a tool; the engine is a stand-in."""
    monkeypatch.setattr(ParametersPanel, "iface", None)  # pytest-qgis's is only a stand-in
    fake_engine.result = {"outputs": {}, "estimate": ESTIMATE}
    opened = []

    def open_dialog(name, parameters):
        algorithm = QgsApplication.processingRegistry().createAlgorithmById(f"spectralgpt:{name}")
        dialog = AlgorithmDialog(algorithm)
        opened.append(dialog)
        dialog.setParameters(parameters)
        dialog.show()
        return dialog

    yield open_dialog
    for dialog in opened:
        dialog.close()


def estimate_of(dialog):
    found = dialog.findChildren(EstimateButton)
    assert len(found) == 1
    return found[0]


def said(dialog):
    item = dialog.messageBar().currentItem()
    return "" if item is None else item.findChild(QTextBrowser).toPlainText()


@pytest.mark.parametrize(
    ("estimate", "words"),
    [
        (
            ESTIMATE,  # 170 s are 2.83 min
            "Windows: 1,764; about 3 min, 1.1 GB of memory, 240 MB of disk space.",
        ),
        (
            {"windows": 9, "seconds": 0.2, "memory_mb": 400, "disk_mb": 0.012},
            "Windows: 9; about 1 s, 400 MB of memory, 12 kB of disk space.",
        ),
        (
            {"windows": 9, "seconds": 7860.0, "memory_mb": 400, "disk_mb": 1},  # 131 min
            "Windows: 9; about 2 h 11 min, 400 MB of memory, 1 MB of disk space.",
        ),
        (
            {"windows": 9, "seconds": None, "memory_mb": 400, "disk_mb": 1},
            "Windows: 9; 400 MB of memory, 1 MB of disk space.",
        ),
    ],
)
def test_words(english, estimate, words):
    assert in_words(estimate) == words


def test_it_asks_for_what_the_dialog_says_and_nothing_is_loaded(open_dialog, fake_engine, scene):
    dialog = open_dialog("segment", {"INPUT": scene, "OVERLAP": 50})
    estimate = estimate_of(dialog)
    assert estimate.button.text() == "Estimate"
    estimate.button.click()
    wait(lambda: not estimate.run.running)
    assert fake_engine.verb == "segment"
    asked = (fake_engine.job[name] for name in ("dry_run", "input", "overlap"))
    assert tuple(asked) == (True, scene, 50)
    # The stand-in sends one of each event, also a warning.
    assert said(dialog).endswith(
        "Windows: 1,764; about 3 min, 1.1 GB of memory, 240 MB of disk space. Look out"
    )


@pytest.mark.parametrize(
    ("name", "given"), [("classify", ["INPUT"]), ("detectchange", ["BEFORE", "AFTER"])]
)
def test_the_other_tools_have_it_too(open_dialog, fake_engine, scene, name, given):
    later = scene.replace("2020-02-02", "2020-06-21")
    dialog = open_dialog(name, dict(zip(given, (scene, later))))
    estimate = estimate_of(dialog)
    estimate.button.click()
    wait(lambda: not estimate.run.running)
    assert fake_engine.job["dry_run"] is True
    assert "Windows: 1,764" in said(dialog)


def test_a_tool_that_cannot_be_estimated_has_none(open_dialog, scene):
    dialog = open_dialog("uncertainplaces", {"INPUT": scene})
    assert dialog.findChildren(EstimateButton) == []


def test_what_is_wrong_is_said(open_dialog, fake_engine, scene):
    dialog = open_dialog("segment", {"INPUT": scene, "MODEL": "nonsense"})
    estimate = estimate_of(dialog)
    estimate.button.click()
    assert not estimate.run.running and fake_engine.verb == ""
    assert "no installed model 'nonsense'" in said(dialog)
    dialog.setParameters({"MODEL": "landcover"})
    fake_engine.failure = EngineFailed("DiskFull", "The disk has no room.", "")
    estimate.button.click()
    wait(lambda: not estimate.run.running)
    assert said(dialog).endswith("The disk has no room.")


def test_a_missing_raster_is_named(open_dialog, fake_engine):
    dialog = open_dialog("segment", {})
    estimate_of(dialog).button.click()
    assert fake_engine.verb == ""
    assert said(dialog).endswith("First set 'Raster': it is missing or not valid.")


def hold(fake_engine, asked):
    """Makes the stand-in wait until it is cancelled."""

    def during(job):
        asked.set()
        while not fake_engine.is_cancelled():
            threading.Event().wait(0.01)
        raise EngineCancelled

    fake_engine.during = during


def test_a_second_click_takes_it_back_and_leaves_the_rows_of_a_run(
    open_dialog, fake_engine, scene, tmp_path
):
    rows = tmp_path / ".spectralgpt-resume-map.tif"
    rows.write_bytes(b"of a run that was killed")
    asked = threading.Event()
    hold(fake_engine, asked)
    dialog = open_dialog("segment", {"INPUT": scene, "OUTPUT": str(tmp_path / "map.tif")})
    estimate = estimate_of(dialog)
    estimate.button.click()
    wait(asked.is_set)
    assert estimate.button.text() == "Stop estimating"
    estimate.button.click()
    wait(lambda: not estimate.run.running)
    assert estimate.button.text() == "Estimate" and said(dialog) == ""
    assert rows.exists()


@pytest.mark.parametrize(
    "end",
    [
        lambda dialog: dialog.findChild(QDialogButtonBox, "mButtonBox").accepted.emit(),
        lambda dialog: dialog.close(),
    ],
    ids=["run", "close"],
)
def test_a_run_or_the_end_of_the_dialog_takes_it_back(open_dialog, fake_engine, scene, end):
    asked = threading.Event()
    hold(fake_engine, asked)
    dialog = open_dialog("segment", {"INPUT": scene})
    estimate = estimate_of(dialog)
    estimate.button.click()
    wait(asked.is_set)
    end(dialog)
    assert not estimate.run.running
    wait(fake_engine.is_cancelled)


def test_it_is_there_with_the_parameters_and_grey_while_they_are(open_dialog, scene):
    dialog = open_dialog("segment", {"INPUT": scene})
    button = estimate_of(dialog).button
    assert button.isVisible() and button.isEnabled()
    dialog.showLog()
    assert not button.isVisible()
    dialog.mainWidget().setEnabled(False)  # during a run, while its log is shown
    dialog.mainWidget().setEnabled(True)
    assert not button.isVisible()
    dialog.showParameters()
    assert button.isVisible()
    dialog.mainWidget().setEnabled(False)
    assert not button.isEnabled()
    dialog.mainWidget().setEnabled(True)
    assert button.isEnabled()

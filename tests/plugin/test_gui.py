"""Our widgets, without a screen: what they show and what they hand on."""

from __future__ import annotations

import time

import pytest
from qgis.core import QgsApplication
from qgis.PyQt.QtWidgets import QMessageBox

from spectralgpt_qgis import engine_access, settings
from spectralgpt_qgis.engine_environment import EngineEnvironment, Status
from spectralgpt_qgis.gui import engine_dialog
from spectralgpt_qgis.install_problems import EnvironmentProblem


def wait(condition, seconds=60):
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:
        QgsApplication.processEvents()
        time.sleep(0.01)
    assert condition(), f"did not happen within {seconds} s"


@pytest.fixture
def dialog(models):
    window = engine_dialog.EngineDialog()
    yield window
    wait(lambda: window._size_task is None)
    window.close()
    window.deleteLater()


def test_a_ready_engine_can_be_tested_but_says_so_first(dialog):
    assert "installed and ready" in dialog.state.text()
    assert dialog.test_button.isEnabled()
    assert not dialog.cancel_button.isEnabled()


def test_the_test_tells_versions_and_devices(dialog):
    dialog.test()
    assert dialog.busy
    assert not dialog.install_button.isEnabled()
    wait(lambda: not dialog.busy)
    log = dialog.log.toPlainText()
    assert "The engine passed its test." in log
    assert "onnxruntime" in log
    assert "Devices: processor" in log
    assert dialog.install_button.isEnabled()


@pytest.fixture
def missing(no_engine):
    window = engine_dialog.EngineDialog()
    yield window
    window.close()
    window.deleteLater()


def test_a_missing_engine_can_only_be_installed(missing):
    assert "not installed yet" in missing.state.text()
    buttons = (missing.repair_button, missing.test_button, missing.remove_button)
    assert not any(button.isEnabled() for button in buttons)
    assert missing.install_button.isEnabled()


def test_an_installation_runs_beside_qgis_and_tells_how_it_went(missing, monkeypatch):
    asked = {}

    def install(self, tier, **options):
        asked.update(options, tier=tier)
        options["report"](0.4, "Collecting numpy")
        return Status("ready", "Done.", tier, "cpu")

    monkeypatch.setattr(EngineEnvironment, "install", install)
    changes = []
    missing.changed.connect(lambda: changes.append(True))
    missing.training.setChecked(True)
    missing.install()
    assert missing.cancel_button.isEnabled()
    wait(lambda: not missing.busy)
    assert (asked["tier"], asked["accelerator"]) == ("training", "cpu")
    assert asked["sources"] == settings.install_sources()
    assert "Collecting numpy" in missing.log.toPlainText()
    assert changes == [True]


def test_a_failed_installation_says_what_to_do(missing, monkeypatch):
    def install(self, tier, **options):
        raise EnvironmentProblem("no-network", "The package server was not reached.", "pip: ...")

    monkeypatch.setattr(EngineEnvironment, "install", install)
    missing.install()
    wait(lambda: not missing.busy)
    assert "The package server was not reached." in missing.state.text()
    assert "pip: ..." in missing.log.toPlainText()
    assert missing.install_button.isEnabled()


def test_an_installation_can_be_cancelled(missing, monkeypatch):
    from spectralgpt_qgis.engine_environment import InstallCancelled

    def install(self, tier, **options):
        while not options["is_cancelled"]():
            time.sleep(0.01)
        raise InstallCancelled

    monkeypatch.setattr(EngineEnvironment, "install", install)
    missing.install()
    missing.cancel()
    wait(lambda: not missing.busy)
    assert "Cancelled." in missing.log.toPlainText()


def test_removing_asks_first(dialog, monkeypatch):
    removed = []
    monkeypatch.setattr(EngineEnvironment, "remove", lambda self: removed.append(True))
    answers = iter([QMessageBox.StandardButton.No, QMessageBox.StandardButton.Yes])
    monkeypatch.setattr(QMessageBox, "question", lambda *_: next(answers))
    dialog.remove()
    assert not dialog.busy
    dialog.remove()
    wait(lambda: not dialog.busy)
    assert removed == [True]


def test_sources_are_kept_as_settings(missing):
    missing._sources._proxy.setText("http://proxy:3128")
    missing._sources.keep()
    assert settings.value("proxy") == "http://proxy:3128"
    missing._sources._proxy.setText("")
    missing._sources.keep()
    assert settings.value("proxy") == ""


def test_the_report_of_a_gpu():
    text = engine_dialog.report_of(
        {
            "python": "3.11.2",
            "platform": "Linux",
            "libraries": {"numpy": "2.0"},
            "providers": [
                "CUDAExecutionProvider",
                "AzureExecutionProvider",
                "CPUExecutionProvider",
            ],
            "cuda": True,
        }
    )
    assert "GPU libraries: CUDAExecutionProvider (" in text


def test_nothing_is_installed_by_looking(missing):
    assert engine_access.status().state == "missing"

"""The widget for the engine, without a screen: what it shows, and what its buttons start."""

from __future__ import annotations

import time

import pytest
from qgis.core import QgsSettings
from qgis.PyQt.QtGui import QColor, QPalette
from qgis.PyQt.QtWidgets import QApplication, QMessageBox

from spectralgpt_qgis import settings
from spectralgpt_qgis.engine_environment import EngineEnvironment, InstallCancelled, Status
from spectralgpt_qgis.gui.options.engine_widget import EngineWidget, scrolled
from spectralgpt_qgis.gui.options.engine_work import EngineWork
from spectralgpt_qgis.install_problems import EnvironmentProblem
from tests.plugin.waiting import wait


@pytest.fixture(autouse=True)
def fresh():
    yield
    QgsSettings().remove("SpectralGPT")


@pytest.fixture
def work():
    made = EngineWork()
    yield made
    made.close()
    wait(lambda: not made.looking and not made.busy)


@pytest.fixture
def ready(models, work):
    widget = EngineWidget(work)
    wait(lambda: work.state is not None and not work.looking)
    yield widget
    widget.deleteLater()


@pytest.fixture
def missing(no_engine, work):
    widget = EngineWidget(work)
    wait(lambda: work.state is not None and not work.looking)
    yield widget
    widget.deleteLater()


def test_a_ready_engine_says_so_first(ready):
    assert "installed and ready" in ready.state.text()
    assert ready.verify_button.isEnabled()
    assert ready._progress.isHidden()


def test_long_words_make_it_no_wider(ready):
    """Otherwise, with a narrow window or a large font, parts would be cut off at the right."""
    words = "Automatically " * 20
    ready.computing.device.addItem(words)
    ready.show()
    QApplication.processEvents()
    assert ready.minimumSizeHint().width() < ready.fontMetrics().horizontalAdvance(words) / 2


def test_until_the_disk_answered_nothing_can_be_pressed(no_engine, work):
    widget = EngineWidget(work)
    assert "Checking the engine" in widget.state.text()
    assert not widget.install_button.isEnabled()
    wait(lambda: not work.looking)
    assert widget.install_button.isEnabled()
    widget.deleteLater()


def test_verify_tells_versions_and_what_computes_and_keeps_it(ready, work):
    assert "Not tested on this computer yet" in ready.computing.tested.text()
    ready.verify_button.click()
    assert work.busy
    assert not ready.install_button.isEnabled()
    assert not ready._progress.isHidden()
    wait(lambda: not work.busy)
    log = ready.log.toPlainText()
    assert "The engine passed its test." in log
    assert "onnxruntime" in log
    assert "Processor: ONNX Runtime" in log or "Processor: OpenVINO" in log
    assert ready.install_button.isEnabled()
    assert "works" in ready.computing.tested.text()
    wait(lambda: not work.looking)


def test_a_missing_engine_can_only_be_installed(missing):
    assert "not installed yet" in missing.state.text()
    buttons = (missing.repair_button, missing.verify_button, missing.remove_button)
    assert not any(button.isEnabled() for button in buttons)
    assert missing.install_button.isEnabled()


def test_what_an_installation_costs_stands_there_before_it_is_pressed(missing):
    small = missing.choice.cost.text()
    assert "Download size" in small
    assert "available" in small
    missing.choice.training.setChecked(True)
    assert missing.choice.cost.text() != small
    missing.choice.show_room(10**8, offline=True)
    assert "Nothing is downloaded" in missing.choice.cost.text()
    assert "only 100 MB is available" in missing.choice.cost.text()


def test_an_installation_runs_beside_qgis_and_tells_how_it_went(missing, work, monkeypatch):
    asked = {}

    def install(self, tier, **options):
        asked.update(options, tier=tier)
        options["report"](0.4, "Collecting numpy")
        return Status("ready", "Done.", tier, "cpu")

    monkeypatch.setattr(EngineEnvironment, "install", install)
    changes = []
    work.changed.connect(lambda: changes.append(True))
    missing.choice.training.setChecked(True)
    missing.install_button.click()
    assert not missing._progress.isHidden()
    wait(lambda: changes and not work.busy)
    assert (asked["tier"], asked["accelerator"]) == ("training", "cpu")
    assert asked["sources"] == settings.install_sources()
    assert "Collecting numpy" in missing.log.toPlainText()


def test_what_runs_goes_on_without_the_widget(no_engine, work, monkeypatch):
    gate = []

    def install(self, tier, **options):
        while not gate:
            time.sleep(0.01)
        options["report"](0.9, "Almost")
        return Status("ready", "Done.", tier, "cpu")

    monkeypatch.setattr(EngineEnvironment, "install", install)
    first = EngineWidget(work)
    work.install("inference", "cpu")
    first.deleteLater()
    second = EngineWidget(work)  # opened during the installation
    assert not second._progress.isHidden()
    assert "Install the SpectralGPT engine" in second.log.toPlainText()
    ends = []
    work.ended.connect(lambda how, _: ends.append(how))
    gate.append(True)
    wait(lambda: ends)
    assert ends[0] == "done"
    assert "Almost" in second.log.toPlainText()
    second.deleteLater()


def test_a_failed_installation_says_what_to_do(missing, work, monkeypatch):
    def install(self, tier, **options):
        raise EnvironmentProblem("no-network", "The package server was not reached.", "pip: ...")

    monkeypatch.setattr(EngineEnvironment, "install", install)
    missing.install()
    wait(lambda: not work.busy and not work.looking)
    assert "The package server was not reached." in missing.state.text()
    assert "pip: ..." in missing.log.toPlainText()
    assert not missing.log_box.isCollapsed()
    assert missing.install_button.isEnabled()


def test_after_a_failure_its_reason_is_in_sight(missing, work, monkeypatch):
    """The log opens below, but the window stays scrolled to the reason."""

    def install(self, tier, **options):
        raise EnvironmentProblem("no-network", "The package server was not reached.", "pip: ...")

    monkeypatch.setattr(EngineEnvironment, "install", install)
    area = scrolled(missing)
    area.resize(500, 300)
    area.show()
    QApplication.processEvents()
    assert area.verticalScrollBar().maximum() > 0
    area.verticalScrollBar().setValue(60)  # scrolled to the button
    missing.install()
    wait(lambda: not work.busy and not work.looking)
    QApplication.processEvents()
    assert not missing.log_box.isCollapsed()
    assert area.verticalScrollBar().value() == 0
    area.takeWidget()
    area.deleteLater()


def test_once_closed_it_looks_no_more(missing, work, monkeypatch):
    """If the plugin is unloaded during an installation, its end starts no new task."""

    def install(self, tier, **options):
        while not options["is_cancelled"]():
            time.sleep(0.01)
        raise InstallCancelled

    monkeypatch.setattr(EngineEnvironment, "install", install)
    missing.install()
    work.close()
    wait(lambda: not work.busy)
    assert not work.looking


def test_an_installation_can_be_stopped(missing, work, monkeypatch):
    def install(self, tier, **options):
        while not options["is_cancelled"]():
            time.sleep(0.01)
        raise InstallCancelled

    monkeypatch.setattr(EngineEnvironment, "install", install)
    missing.install()
    missing.cancel_button.click()
    wait(lambda: not work.busy)
    assert "Cancelled." in missing.log.toPlainText()


def test_removing_asks_first(ready, work, monkeypatch):
    removed = []
    monkeypatch.setattr(EngineEnvironment, "remove", lambda self: removed.append(True))
    answers = iter([QMessageBox.StandardButton.No, QMessageBox.StandardButton.Yes])
    monkeypatch.setattr(QMessageBox, "question", lambda *_: next(answers))
    ready.remove()
    assert not work.busy
    ready.remove()
    wait(lambda: not work.busy)
    assert removed == [True]


def test_settings_are_kept_and_shown_by_the_other_widget_too(missing, work):
    other = EngineWidget(work)
    missing.sources._proxy.setText("http://proxy:3128")
    missing.computing.device.setCurrentIndex(missing.computing.device.findData("cpu"))
    missing.computing.threads.setValue(3)
    missing.computing.memory.setValue(4096)
    assert settings.value("proxy") == ""  # not before they are stored
    missing.keep()
    names = ("proxy", "device", "threads", "memory")
    assert [settings.value(name) for name in names] == ["http://proxy:3128", "cpu", 3, 4096]
    assert other.computing.memory.value() == 4096
    missing.computing.memory.setValue(missing.computing.memory.minimum())
    assert missing.computing.memory.text() == "No limit"
    missing.keep()
    assert settings.value("memory") == 0
    other.deleteLater()


def test_a_dark_theme_gets_lighter_words(missing):
    before = missing.state.text()
    palette = QPalette(missing.palette())
    palette.setColor(QPalette.ColorRole.Window, QColor("#323232"))
    missing.setPalette(palette)
    assert missing.state.text() != before


def test_the_keyboard_goes_from_the_choice_to_the_buttons(missing):
    widget, seen = missing.choice.maps, []
    for _ in range(40):
        widget = widget.nextInFocusChain()
        seen.append(widget)
    order = [missing.choice.training, missing.install_button, missing.computing.device]
    places = [seen.index(widget) for widget in order]
    assert places == sorted(places)

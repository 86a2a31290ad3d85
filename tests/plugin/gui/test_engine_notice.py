"""The offer to install the engine, once per session and not again after "Not now"; the report of an installation."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from qgis.core import QgsSettings
from qgis.PyQt.QtWidgets import QPushButton

from spectralgpt_qgis import engine_access, paths, settings
from spectralgpt_qgis.gui.engine_notice import EngineNotice
from tests.plugin.interface import Interface
from tests.plugin.waiting import wait


@pytest.fixture
def interface(qgis_processing):
    made = Interface()
    yield made
    made.close()
    QgsSettings().remove("SpectralGPT")


@pytest.fixture
def notice(interface):
    made = EngineNotice(interface)
    yield made
    made.remove()
    wait(lambda: not made.work.looking and not made.work.busy)


def looked(notice):
    notice.add()
    wait(lambda: not notice._start.isActive() and not notice.work.looking)
    return notice._iface.bar.items()


def press(message, words):
    next(b for b in message.findChildren(QPushButton) if b.text() == words).click()


def test_not_now_is_remembered_and_the_tools_still_say_what_is_missing(
    interface, notice, no_engine
):
    (message,) = looked(notice)
    assert "not installed yet" in message.text()
    press(message, "Not now")
    assert interface.bar.items() == []
    assert looked(EngineNotice(interface)) == []
    assert "not installed yet" in engine_access.why_not_ready()


@pytest.mark.parametrize(
    ("days", "shown"), [(-1, 1), (0, 1), (1, 0), (30, 0), (31, 1)], ids=lambda value: str(value)
)
def test_not_now_holds_for_thirty_days(interface, notice, no_engine, days, shown):
    settings.set_value("not_now", (date.today() + timedelta(days=days)).isoformat())
    assert len(looked(notice)) == shown


def test_once_a_session(interface, notice, no_engine):
    (message,) = looked(notice)
    interface.bar.popWidget(message)
    notice.work.look()
    wait(lambda: not notice.work.looking)
    assert interface.bar.items() == []


def test_a_damaged_engine_is_told_in_spite_of_not_now(interface, notice, no_engine):
    settings.set_value("not_now", (date.today() + timedelta(days=9)).isoformat())
    record = paths.engine_home() / "engine" / "current.json"
    record.parent.mkdir(parents=True)
    record.write_text("{")
    (message,) = looked(notice)
    assert "damaged" in message.text()


def test_a_broken_off_installation_is_told(interface, notice, no_engine):
    (paths.engine_home() / "engine" / "env-20261125-1").mkdir(parents=True)
    (message,) = looked(notice)
    assert "was not completed" in message.text()
    press(message, "Install…")
    assert interface.bar.items() == []
    assert notice._dialog.isVisible()
    wait(lambda: not notice.work.looking)
    assert "was not completed" in notice._dialog.panel.state.text()


def test_the_end_is_told_when_nobody_looks(interface, notice, models):
    assert looked(notice) == []
    notice.work.ended.emit("failed", "The disk is full.")
    (message,) = interface.bar.items()
    assert message.text() == "The disk is full."

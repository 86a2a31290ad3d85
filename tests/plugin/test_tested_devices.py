"""The result of a test is valid only on the same machine."""

from __future__ import annotations

import pytest
from qgis.core import QgsSettings

from spectralgpt_qgis import settings, tested_devices

RESULT = {
    "python": "3.11.2",
    "libraries": {"numpy": "2.0"},
    "devices": [{"device": "cpu", "use": "maps", "works": True}],
    "executable": "/home/ada/engine/python",
}


@pytest.fixture(autouse=True)
def fresh():
    yield
    QgsSettings().remove("SpectralGPT")


def test_a_test_is_kept_without_paths():
    assert tested_devices.last_test() is None
    tested_devices.keep_test(RESULT)
    kept = tested_devices.last_test()
    assert kept["devices"] == RESULT["devices"]
    assert kept["when"]
    assert "ada" not in settings.value("tested")
    tested_devices.forget_test()
    assert tested_devices.last_test() is None


def test_that_of_another_machine_says_nothing(monkeypatch):
    monkeypatch.setattr(tested_devices.platform, "node", lambda: "workstation")
    tested_devices.keep_test(RESULT)
    assert "workstation" not in settings.value("tested")
    monkeypatch.setattr(tested_devices.platform, "node", lambda: "laptop")
    assert tested_devices.last_test() is None


@pytest.mark.parametrize("text", ["", "{", "[]", "7"])
def test_a_damaged_record_is_as_none(text):
    settings.set_value("tested", text)
    assert tested_devices.last_test() is None

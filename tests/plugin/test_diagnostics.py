"""The diagnostics report has all that support needs, and nothing that identifies the user."""

from __future__ import annotations

import getpass
import platform

import pytest
from qgis.core import Qgis, QgsSettings

from spectralgpt_qgis import diagnostics, paths, settings, tested_devices
from spectralgpt_qgis.engine_environment import EngineEnvironment
from spectralgpt_qgis.job_failure import remember_failure


@pytest.fixture(autouse=True)
def fresh():
    yield
    QgsSettings().remove("SpectralGPT")


def test_what_helps_is_there(no_engine, monkeypatch):
    settings.set_value("threads", 3)
    log = EngineEnvironment().log
    (paths.engine_home() / "engine").mkdir(parents=True)
    log.begin("Installation for inference, cpu")
    log.add("Failed: the disk is full")
    remember_failure("segment", "BandMismatch", "The raster lacks B08.", "Traceback: here")
    tested_devices.keep_test(
        {
            "libraries": {"onnxruntime": "1.31"},
            "devices": [{"device": "gpu", "use": "maps", "works": False, "reason": "no driver"}],
            "graphics_cards": ["NVIDIA A, 570.1, 8192 MiB"],
        }
    )
    text = diagnostics.report()
    for part in (
        f"QGIS: {Qgis.version()}",
        f"Plugin: {paths.version()}",
        "threads: 3",
        "State: missing",
        "onnxruntime 1.31",
        "gpu for maps: no, no driver",
        "NVIDIA A, 570.1, 8192 MiB",
        "Failed: the disk is full",
        "segment: BandMismatch",
        "The raster lacks B08.",
        "Traceback: here",
    ):
        assert part in text


def test_nothing_personal_is_there(no_engine, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path / "ada"))
    monkeypatch.setenv("USERNAME", "adalovelace")
    monkeypatch.setenv("https_proxy", "http://env:hush@proxy")
    settings.set_value("proxy", "http://charles:b%40bbage@proxy.example:3128")
    (paths.engine_home() / "engine").mkdir(parents=True)
    log = EngineEnvironment().log
    log.begin(f"{tmp_path / 'ada'}/SpectralGPT http://charles:b%40bbage@proxy.example hush")
    details = f"by adalovelace on {platform.node()}: password b@bbage"
    remember_failure("segment", "X", f"{tmp_path / 'ada'}/scene.tif is damaged", details)
    text = diagnostics.report().lower()
    for name in ("charles", "bbage", "adalovelace", "hush", str(tmp_path / "ada").lower()):
        assert name not in text
    for name in (platform.node(), getpass.getuser()):
        assert name.lower() not in text
    assert "~/scene.tif is damaged" in text

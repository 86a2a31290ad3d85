"""A QGIS with our provider, an engine, three tiny models, and real imagery."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "resources" / "sample"
TINY_MODELS = ROOT / "tests" / "data" / "models"


@pytest.fixture
def models(tmp_path, monkeypatch):
    """An engine's home of our own, with the tiny models in it; returns the models' folder."""
    from spectralgpt_qgis import engine_access, paths

    python = engine_access.status().python  # before the home moves
    if python is None:
        pytest.fail("There is no engine to test with: run `make setup`, or set SPECTRALGPT_PYTHON.")
    home = tmp_path / "home"
    monkeypatch.setenv(paths.HOME_VARIABLE, str(home))
    monkeypatch.setenv(paths.PYTHON_VARIABLE, str(python))
    folder = paths.user_models()
    folder.mkdir(parents=True)
    for model in TINY_MODELS.glob("*.onnx"):
        shutil.copy(model, folder)
    return folder


@pytest.fixture
def no_engine(tmp_path, monkeypatch):
    """A machine on which the engine was never installed."""
    from spectralgpt_qgis import paths

    monkeypatch.setenv(paths.HOME_VARIABLE, str(tmp_path / "empty"))
    monkeypatch.delenv(paths.PYTHON_VARIABLE, raising=False)


@pytest.fixture
def provider(qgis_processing):
    """Our provider in the registry, gone after the test."""
    from qgis.core import QgsApplication

    from spectralgpt_qgis.provider import SpectralGPTProvider

    added = SpectralGPTProvider()
    registry = QgsApplication.processingRegistry()
    assert registry.addProvider(added)
    yield added
    registry.removeProvider(added)


@pytest.fixture
def scene():
    """Boadella, winter 2020: nine named bands and more, EPSG:4326."""
    return str(SAMPLE / "boadella_2020-02-02.tif")


@pytest.fixture
def later_scene():
    """The same reservoir in summer."""
    return str(SAMPLE / "boadella_2020-06-21.tif")

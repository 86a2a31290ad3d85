"""Fixtures: QGIS with the plugin's provider, an engine, three tiny models, and real imagery."""

from __future__ import annotations

import gc
import os
import shutil
import sys
from pathlib import Path

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "resources" / "sample"
TINY_MODELS = ROOT / "tests" / "data" / "models"


_status = pytest.StashKey[int]()


def pytest_sessionfinish(session, exitstatus):
    session.config.stash[_status] = int(exitstatus)


@pytest.hookimpl(tryfirst=True)
def pytest_unconfigure(config):
    """Exits at once, as Python would free QGIS's objects in any order, which can crash QGIS 3.22."""
    if _status in config.stash:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(config.stash[_status])


def pytest_collection_finish(session):
    """What is there before the first test stays; to look through it after each test would take a tenth of a second."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="session")
def settings_of_its_own(qgis_app, tmp_path_factory):
    """Separate settings, as pytest-qgis stores them in the checkout, where a second test process might change them."""
    from qgis.PyQt.QtCore import QSettings

    folder = str(tmp_path_factory.mktemp("settings"))
    QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, folder)


@pytest.fixture(autouse=True)
def empty_project(qgis_app):
    """Makes every test start and end without layers."""
    from qgis.core import QgsProject

    yield
    QgsProject.instance().clear()
    gc.collect()


@pytest.fixture
def models(tmp_path, monkeypatch):
    """A separate engine home with the tiny models; returns the models' folder."""
    from spectralgpt_qgis import engine_access, paths

    python = engine_access.status().python  # before the home changes
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
    """The plugin's provider, registered for the duration of the test."""
    from qgis.core import QgsApplication

    from spectralgpt_qgis.provider import SpectralGPTProvider

    added = SpectralGPTProvider()
    registry = QgsApplication.processingRegistry()
    assert registry.addProvider(added)
    yield added
    registry.removeProvider(SpectralGPTProvider.ID)  # unless the test has already removed it


@pytest.fixture
def tree_view(qgis_iface, monkeypatch):
    """A layer tree view of the project, which QGIS 3.40 needs to load the results of a run."""
    from qgis.core import QgsLayerTreeModel, QgsProject
    from qgis.gui import QgsLayerTreeView

    view = QgsLayerTreeView()
    view.setModel(QgsLayerTreeModel(QgsProject.instance().layerTreeRoot(), view))
    monkeypatch.setattr(qgis_iface, "layerTreeView", lambda: view, raising=False)
    yield view
    view.deleteLater()


@pytest.fixture
def scene():
    """Boadella, winter 2020: nine named bands and more, EPSG:4326."""
    return str(SAMPLE / "boadella_2020-02-02.tif")


@pytest.fixture
def later_scene():
    """The same reservoir in summer."""
    return str(SAMPLE / "boadella_2020-06-21.tif")


class FakeEngine:
    """Answers at once with what a test specifies, and records the jobs."""

    def __init__(self):
        self.verb = ""
        self.job = {}
        self.result = {}
        self.failure = None
        self.during = None
        self.pid = None

    def run(self, verb, job, *, on_progress=None, on_log=None, on_warning=None, **options):
        self.verb, self.job = verb, job
        self.is_cancelled = options.get("is_cancelled")
        if on_progress:
            on_progress(0.5, "Halfway", 30.0)
            on_log("Device: cpu")
            on_warning("Look out")
        if self.during:
            self.during(job)
        if self.failure:
            raise self.failure
        return self.result


@pytest.fixture
def fake_engine(models, monkeypatch):
    """Replaces the engine in runs; the list of models still comes from the real engine."""
    from spectralgpt_qgis import engine_access
    from spectralgpt_qgis.algorithms import base

    class Access:
        why_not_ready = staticmethod(engine_access.why_not_ready)

        @staticmethod
        def client(tier="inference"):
            return fake

    fake = FakeEngine()
    monkeypatch.setattr(base, "engine_access", Access)
    return fake


@pytest.fixture
def run(provider):
    """Runs one of the plugin's algorithms and returns its outputs; its log is `run.feedback`."""
    from qgis.core import QgsProcessingContext, QgsProcessingFeedback, QgsProject

    def run_algorithm(name, parameters, feedback=None, context=None):
        import processing

        run_algorithm.feedback = feedback or QgsProcessingFeedback()
        if context is None:
            context = QgsProcessingContext()
            context.setProject(QgsProject.instance())
        return processing.run(
            f"spectralgpt:{name}", parameters, feedback=run_algorithm.feedback, context=context
        )

    return run_algorithm


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A place without an installed engine."""
    from spectralgpt_qgis import paths
    from tests.plugin.small_engine import Place

    monkeypatch.delenv(paths.PYTHON_VARIABLE, raising=False)
    return Place(tmp_path).fill()


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A place with the first version of the engine installed; made once, as that takes seconds."""
    from spectralgpt_qgis import paths
    from tests.plugin.small_engine import Place

    folder = tmp_path_factory.mktemp("built")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(paths.PYTHON_VARIABLE, raising=False)
        Place(folder).fill().install()
    return folder


@pytest.fixture
def installed(built, tmp_path, monkeypatch):
    """A copy of `built` for each test; it works, as no path in an environment depends on its location."""
    from spectralgpt_qgis import paths
    from tests.plugin.small_engine import Place

    monkeypatch.delenv(paths.PYTHON_VARIABLE, raising=False)
    shutil.copytree(built, tmp_path / "place", symlinks=True)
    return Place(tmp_path / "place")


@pytest.fixture
def segmenting(fake_engine, scene, tmp_path):
    """The minimum of parameters for segment, with a stand-in for the engine that answers and writes a map."""
    from tests.plugin.answers import AREAS, LAND, write_class_map

    fake_engine.result = {
        "windows": {"total": 9, "run": 7, "skipped": 2},
        "device": "cpu",
        "classes": LAND,
        "areas": AREAS,
    }
    fake_engine.during = lambda job: write_class_map(job["output"])
    return {"INPUT": scene, "OUTPUT": str(tmp_path / "map.tif")}


@pytest.fixture
def engine(tmp_path):
    """Makes a client of a scripted engine with the given body."""
    from spectralgpt_qgis.engine_client import EngineClient
    from tests.plugin.scripted_engine import write_engine

    def make(body, **options):
        write_engine(tmp_path, body)
        return EngineClient(sys.executable, root=tmp_path, **options)

    return make


@pytest.fixture
def started(monkeypatch):
    """The processes that the client started."""
    from spectralgpt_qgis import child_process

    processes = []
    start = child_process.start

    def keep(*args, **kwargs):
        processes.append(start(*args, **kwargs))
        return processes[-1]

    monkeypatch.setattr(child_process, "start", keep)
    return processes

"""The plugin loads quickly, and unloading leaves nothing behind: no widget, action, thread, task or translator."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from qgis.core import QgsApplication, QgsProject, QgsRasterLayer
from qgis.PyQt.QtCore import QCoreApplication, QEvent, QObject, QThreadPool, QTranslator
from qgis.PyQt.QtWidgets import QApplication

from spectralgpt_qgis import classFactory
from spectralgpt_qgis import plugin as plugin_module
from spectralgpt_qgis.run_journal import FinishedRun, journal
from tests.plugin.gui.training.desk import Interface
from tests.plugin.waiting import wait

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {"torch", "numpy", "onnxruntime", "rasterio", "scipy", "sklearn", "engine"}

FRESH = """
import json, os, sys
from qgis.core import QgsApplication
import qgis.gui
application = QgsApplication([], True)
application.initQgis()
from processing.core.Processing import Processing
Processing.initialize()
from tests.plugin import interface
made = interface.Interface()
for name in [name for name in sys.modules if name.startswith("spectralgpt_qgis")]:
    del sys.modules[name]
before = set(sys.modules)
from spectralgpt_qgis import classFactory
plugin = classFactory(made)
plugin.initGui()
print(json.dumps(sorted(set(sys.modules) - before)))
sys.stdout.flush()
os._exit(0)
"""


class Translation(QTranslator):
    """A translator that can be loaded for every language."""

    installed = 0

    def load(self, *_):
        return True


@pytest.fixture
def translated(monkeypatch):
    """Counts the installed translators."""
    install, remove = QCoreApplication.installTranslator, QCoreApplication.removeTranslator

    def count(act, step):
        def counted(translator):
            Translation.installed += step
            return act(translator)

        return counted

    monkeypatch.setattr(plugin_module, "QTranslator", Translation)
    monkeypatch.setattr(QCoreApplication, "installTranslator", count(install, 1))
    monkeypatch.setattr(QCoreApplication, "removeTranslator", count(remove, -1))


@pytest.fixture
def interface(qgis_processing):
    made = Interface()
    yield made
    made.close()


def started_threads():
    """Threads started by Python; without its dummies for Qt's threads, which exist as long as those."""
    others = (thread for thread in threading.enumerate() if thread is not threading.main_thread())
    return [thread for thread in others if not thread.name.startswith("Dummy")]


def settle():
    """Lets tasks and their threads end, and Qt delete objects that wait for deletion."""
    wait(lambda: not QgsApplication.taskManager().count())
    wait(lambda: not QThreadPool.globalInstance().activeThreadCount() and not started_threads())
    for _ in range(3):
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        QCoreApplication.processEvents()


def census(interface):
    """Counts of everything that a plugin could leave behind."""
    return {
        "children of the main window": len(interface.window.findChildren(QObject)),
        "children of the map": len(interface.canvas.findChildren(QObject)),
        "items on the map": len(interface.canvas.scene().items()),
        "windows": len(QApplication.topLevelWidgets()),
        "entries": len(interface.menu) + len(interface.layer_menu) + len(interface.tools),
        "handlers": len(interface.option_pages) + len(interface.drop_handlers),
        "messages": len(interface.bar.items()),
        "threads": len(started_threads()) + QThreadPool.globalInstance().activeThreadCount(),
        "tasks": QgsApplication.taskManager().count(),
        "providers": len(QgsApplication.processingRegistry().providers()),
        "listeners": journal.receivers(journal.finished),
        "translators": Translation.installed,
    }


def use(interface, layer):
    """Opens all windows of the plugin."""
    interface.current = layer
    for action in interface.menu + interface.layer_menu + interface.tools:
        action.trigger()
    journal.tell(FinishedRun("spectralgpt:segment", "Land-cover map", ("Map",), log="log"))


def test_ten_times_loaded_and_unloaded_leave_nothing(
    interface, models, scene, translated, monkeypatch
):
    import processing

    # Not Processing's dialogs, which need a whole QGIS; test_tool_dialogs.py opens them.
    monkeypatch.setattr(processing, "createAlgorithmDialog", lambda *_: None)
    layer = QgsProject.instance().addMapLayer(QgsRasterLayer(scene, "winter"))
    settle()
    before = census(interface)
    for round_number in range(10):
        plugin = classFactory(interface)
        plugin.initGui()
        used = census(interface)
        assert used["entries"] > before["entries"]
        assert used["translators"] == before["translators"] + 1
        if round_number % 2:
            use(interface, layer)
            assert census(interface)["windows"] > before["windows"]
        plugin.unload()
        settle()
        assert census(interface) == before


def test_loading_imports_nothing_heavy_and_no_window_that_is_opened_later():
    done = subprocess.run(
        [sys.executable, "-c", FRESH],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    imported = json.loads(done.stdout.splitlines()[-1])
    assert "spectralgpt_qgis.plugin" in imported
    assert not HEAVY & {name.split(".")[0] for name in imported}
    late = ("describe.window", "engine_dialog", "log_window", "engine_widget", "model_widget")
    assert [name for name in imported if name.endswith(late)] == []

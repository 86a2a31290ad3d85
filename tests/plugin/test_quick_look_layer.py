"""The quick look: a layer of the project during the run, also with the real engine."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from osgeo import gdal
from qgis import utils
from qgis.core import (
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsProcessingAlgRunnerTask,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProject,
    QgsRasterLayer,
)
from qgis.PyQt.QtCore import QCoreApplication, QEventLoop, QTimer

from spectralgpt_qgis import quick_look_layer as module
from spectralgpt_qgis.quick_look_layer import QuickLookLayer, quick_look_layer


class Canvas:
    """A map canvas that shows a whole raster."""

    def __init__(self, layer):
        self._layer, self.refreshed = layer, 0

    def mapSettings(self):
        return SimpleNamespace(
            visibleExtent=lambda: self._layer.extent(), destinationCrs=lambda: self._layer.crs()
        )

    def refresh(self):
        self.refreshed += 1


@pytest.fixture
def project(qgis_app):
    project = QgsProject.instance()
    project.clear()
    yield project
    project.clear()


@pytest.fixture
def raster(scene):
    return QgsRasterLayer(scene, "Boadella")


@pytest.fixture
def canvas(raster, monkeypatch):
    canvas = Canvas(raster)
    monkeypatch.setattr(utils, "iface", SimpleNamespace(mapCanvas=lambda: canvas))
    return canvas


def come(look):
    """Reports that the engine has written the coarse map."""
    classes = [{"value": 1, "name": "water", "title": "Water", "color": "#0000ff"}]
    look.told({"quick_look": {"path": look.fields()["quick_look"], "classes": classes}})


def settle():
    for _ in range(3):
        QCoreApplication.processEvents()


def names(project):
    return [layer.name() for layer in project.mapLayers().values()]


@pytest.fixture
def look(project, canvas, scene):
    """A quick look whose file exists; removed after the test."""
    look = quick_look_layer("Boadella")
    gdal.Translate(look.fields()["quick_look"], scene, bandList=[1])
    yield look
    look.end()
    settle()
    assert not module._living


def test_what_the_engine_needs(look, raster):
    fields = look.fields()
    extent = raster.extent()
    corners = (extent.xMinimum(), extent.yMinimum(), extent.xMaximum(), extent.yMaximum())
    assert fields["quick_look_extent"] == list(corners)
    assert QgsCoordinateReferenceSystem(fields["quick_look_crs"]) == raster.crs()


def test_it_comes_and_goes_in_the_main_thread(look, project):
    """Facts reported in another thread change the project only in the main thread."""
    worker = threading.Thread(target=come, args=(look,))
    worker.start()
    worker.join()
    assert names(project) == []
    settle()
    assert names(project) == ["Quick look: Boadella"]
    layer = project.layerTreeRoot().findLayers()[0].layer()
    shown = [(item.value, item.label, item.color.name()) for item in layer.renderer().classes()]
    assert shown == [(1, "Water", "#0000ff")]
    look.end()
    settle()
    assert names(project) == []


def test_a_project_that_is_saved_meanwhile_is_saved_without_it(look, project, raster, tmp_path):
    project.addMapLayer(raster.clone())
    come(look)
    settle()
    assert project.write(str(tmp_path / "field.qgz"))
    assert sorted(names(project)) == ["Boadella", "Quick look: Boadella"]
    project.clear()
    assert project.read(str(tmp_path / "field.qgz"))
    assert names(project) == ["Boadella"]


def test_facts_about_other_things_show_nothing(look, project):
    look.told({"keeps": True})
    look.told({"quick_look": {"path": "/another.tif", "classes": []}})
    settle()
    assert names(project) == []


def test_a_project_that_was_closed_meanwhile(look, project):
    come(look)
    settle()
    project.clear()
    look.end()
    settle()
    assert names(project) == []


def test_a_look_for_the_project_of_before_is_not_shown_in_the_next_one(look, project):
    project.clear()
    come(look)
    settle()
    assert names(project) == []


def test_a_file_that_is_not_there(project, canvas):
    look = QuickLookLayer("Boadella")
    come(look)
    settle()
    look.end()
    settle()
    assert names(project) == []


def test_none_without_a_map(qgis_app, monkeypatch):
    monkeypatch.setattr(utils, "iface", None)
    assert quick_look_layer("Boadella") is None


def test_none_in_the_thread_of_a_model(canvas):
    made = []
    worker = threading.Thread(target=lambda: made.append(quick_look_layer("Boadella")))
    worker.start()
    worker.join()
    assert made == [None]


@pytest.mark.parametrize("tool", ["segment", "detectchange"])
def test_a_run_shows_it_before_its_end(
    project, canvas, provider, models, scene, later_scene, tmp_path, tool
):
    """It is added once and removed once; the result itself is not loaded, as that was not requested."""
    seen = []
    project.layerWasAdded.connect(lambda layer: seen.append(("added", layer.name())))
    project.layerWillBeRemoved.connect(lambda layer_id: seen.append(("removed", "")))
    rasters = {"INPUT": scene} if tool == "segment" else {"BEFORE": scene, "AFTER": later_scene}
    parameters = {
        **rasters,
        "QUICK_LOOK": True,
        "OUTPUT": str(tmp_path / "map.tif"),
    }
    algorithm = QgsApplication.processingRegistry().algorithmById(f"spectralgpt:{tool}")
    context, feedback = QgsProcessingContext(), QgsProcessingFeedback()
    task = QgsProcessingAlgRunnerTask(algorithm, parameters, context, feedback)
    loop, done = QEventLoop(), []
    task.executed.connect(lambda ok, results: (done.append(ok), loop.quit()))
    QTimer.singleShot(120_000, loop.quit)
    QgsApplication.taskManager().addTask(task)
    loop.exec()
    settle()
    assert done == [True]
    title = "Quick look: " + ", ".join(Path(raster).stem for raster in rasters.values())
    assert seen == [("added", title), ("removed", "")]
    assert names(project) == []


def test_without_a_map_the_run_says_so(run, models, scene, tmp_path, monkeypatch, qgis_app):
    monkeypatch.setattr(utils, "iface", None)
    feedback = QgsProcessingFeedback()
    run(
        "segment",
        {
            "INPUT": scene,
            "QUICK_LOOK": True,
            "OUTPUT": str(tmp_path / "map.tif"),
        },
        feedback=feedback,
    )
    assert "No quick look: there is no map view to show it in." in feedback.textLog()

"""Previews: one at a time, above the imagery; with the tiny model of the tests, which is fast."""

from __future__ import annotations

import pytest
from osgeo import gdal
from qgis.core import QgsProject, QgsRectangle

from spectralgpt_qgis.gui.training.prediction import Trained
from spectralgpt_qgis.gui.training.preview import Preview, put_above
from tests.plugin.sample_labels import water_and_land
from tests.plugin.waiting import wait


@pytest.fixture
def preview(provider, models, desk):
    made = Preview(desk.canvas)
    yield made
    made.clear()


@pytest.fixture
def told(preview):
    seen = []
    preview.ready.connect(lambda text: seen.append(("ready", text)))
    preview.failed.connect(lambda message, _: seen.append(("failed", message)))
    preview.stopped.connect(lambda: seen.append(("stopped",)))
    return seen


@pytest.fixture
def trained(models, desk):
    result = {"OUTPUT_MODEL": str(models / "landcover.onnx"), "MODEL_NAME": "landcover"}
    return Trained(result, {"INPUT": [desk.imagery], "DEVICE": "cpu"})


def tree():
    return [layer.name() for layer in QgsProject.instance().layerTreeRoot().layerOrder()]


def mapped(layer):
    """The number of rows and columns with any class."""
    dataset = gdal.Open(layer.source())
    there = dataset.ReadAsArray() != dataset.GetRasterBand(1).GetNoDataValue()
    return int(there.any(axis=1).sum()), int(there.any(axis=0).sum())


def zoom(desk, share):
    box = QgsProject.instance().mapLayer(desk.imagery).extent()
    box.scale(share)
    desk.canvas.setExtent(box)


def test_a_new_preview_takes_the_place_of_the_old_one(preview, told, trained, desk):
    water_and_land()  # on top of the imagery
    zoom(desk, 0.3)
    preview.start(trained)
    wait(lambda: told)
    assert told[0][0] == "ready" and " s." in told[0][1], told
    assert tree() == ["Water and land", "Preview: landcover", "Summer"]
    first = preview.layer()
    assert first.renderer().type() == "paletted" and len(first.renderer().classes()) == 3
    rows, columns = mapped(first)
    assert 0.25 < columns / first.width() < 0.5, "the map has another shape than the imagery"
    assert rows > 0
    assert first.isTemporary(), "told apart from what is kept"
    before = first.id()
    preview.start(trained)
    wait(lambda: len(told) == 2)
    assert tree() == ["Water and land", "Preview: landcover", "Summer"]
    second = preview.layer()
    preview.clear()  # as after opening the project again
    assert preview.layer() is None
    preview.adopt(trained)
    assert preview.layer() == second
    assert preview.layer().id() != before


def test_where_there_is_no_raster_there_is_no_preview(preview, told, trained, desk):
    desk.canvas.setExtent(QgsRectangle(50, 50, 51, 51))
    preview.start(trained)
    assert "Zoom" in told[0][1] and not preview.run.running
    QgsProject.instance().removeMapLayer(desk.imagery)
    preview.start(trained)
    assert "no longer in the project" in told[1][1]


def test_layers_that_are_deleted_meanwhile(preview, told, trained, desk):
    zoom(desk, 0.3)
    preview.start(trained)
    QgsProject.instance().removeMapLayer(desk.imagery)
    wait(lambda: told)
    assert told[0][0] == "ready" and tree() == ["Preview: landcover"]
    QgsProject.instance().removeMapLayer(preview.layer().id())
    assert preview.layer() is None
    preview.remove()  # removed already


def test_a_closed_project_gets_no_preview(preview, told, trained):
    preview.start(trained)
    task = preview.run._task
    preview.clear()
    QgsProject.instance().clear()
    wait(lambda: not task.isActive())
    assert told == [] and tree() == []


def test_stopped(preview, told, trained):
    preview.start(trained)
    preview.run.cancel()
    wait(lambda: told)
    assert told == [("stopped",)] and tree() == ["Summer"]


def test_a_middle_of_a_large_view_says_so(preview, told, trained, monkeypatch):
    from spectralgpt_qgis.gui.training import prediction

    monkeypatch.setattr(prediction, "MOST_PIXELS", 64)
    preview.start(trained)
    wait(lambda: told)
    assert "centre of the map view" in told[0][1]
    rows, columns = mapped(preview.layer())
    assert 64 <= rows <= 65 and 64 <= columns <= 65


def test_on_top_where_the_imagery_is_not_in_the_tree(desk):
    layer = water_and_land()
    QgsProject.instance().layerTreeRoot().removeLayer(layer)
    put_above(layer, "no such layer")
    assert tree() == ["Water and land", "Summer"]

"""The real engine's description of the sample scene, in the background."""

from __future__ import annotations

from pathlib import Path

import pytest
from qgis.core import QgsRasterLayer
from qgis.PyQt import sip

from spectralgpt_qgis.gui.training.raster_describer import Description, RasterDescriber
from spectralgpt_qgis.paths import MODELS
from tests.plugin.waiting import wait


@pytest.fixture
def describer(qgis_app):
    made = RasterDescriber()
    yield made
    made.stop()


def test_a_raster_is_described_once(describer, models, raster):
    told = []
    describer.described.connect(lambda: told.append(True))
    assert describer.of(raster) is None
    assert describer.of(raster) is None
    wait(lambda: told)
    base = describer.of(raster).models[str(MODELS / "backbone.safetensors")]
    assert base["verdict"] == "fits"
    assert len(base["match"]) == 9
    assert told == [True]


def test_a_file_that_cannot_be_read_says_why(describer, models, tmp_path, scene):
    copy = tmp_path / "scene.tif"
    copy.write_bytes(Path(scene).read_bytes())
    layer = QgsRasterLayer(str(copy), "scene")
    copy.write_bytes(b"nothing")
    wait(lambda: describer.of(layer) is not None)
    assert describer.of(layer).models == {}
    assert str(copy) in describer.of(layer).problem


def test_without_an_engine_nothing_is_asked(describer, no_engine, raster):
    assert describer.of(raster) is None
    assert not describer._tasks


def test_a_layer_that_is_no_file_is_not_asked_about(describer, models):
    layer = QgsRasterLayer("type=xyz&url=http://localhost:1/{x}", "web", "wms")
    assert describer.of(layer) == Description({})


def test_one_that_is_deleted_while_it_asks_hears_no_answer(models, raster):
    asked = RasterDescriber()
    told = []
    asked.described.connect(lambda: told.append(True))
    asked.of(raster)
    task = next(iter(asked._tasks.values()))
    ended = []
    for ending in (task.succeeded, task.failed, task.stopped):
        ending.connect(lambda *_: ended.append(True))
    asked.stop()
    sip.delete(asked)
    wait(lambda: ended)
    assert told == []

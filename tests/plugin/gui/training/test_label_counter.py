"""Counts follow edits and the removal of a layer."""

from __future__ import annotations

import pytest
from qgis.core import QgsCoordinateReferenceSystem, QgsProject, QgsVectorLayer

from spectralgpt_qgis.gui.training.label_counter import LabelCounter
from spectralgpt_qgis.tasks.label_count import LabelCount
from tests.plugin.gui.training.desk import pixels, square
from tests.plugin.waiting import wait


@pytest.fixture
def labels(raster):
    layer = QgsVectorLayer("Polygon?crs=EPSG:4326&field=class:integer", "l", "memory")
    QgsProject.instance().addMapLayer(layer)
    layer.startEditing()
    return layer


@pytest.fixture
def told(labels, raster):
    counter = LabelCounter()
    found = []
    counter.counted.connect(found.append)
    counter.watch(labels, "class", [raster])
    wait(lambda: found)
    yield found
    counter.stop()


def test_every_kind_of_edit_counts(told, labels, raster):
    assert told[-1].classes == {}
    feature = square(labels, 1, pixels(raster, 10, 10, 10))
    wait(lambda: told[-1].of("1").features == 1)
    assert round(told[-1].of("1").pixels) == 100
    (feature,) = labels.getFeatures()
    labels.changeAttributeValue(feature.id(), 0, 2)
    wait(lambda: told[-1].of("2").features == 1)
    labels.undoStack().undo()
    wait(lambda: told[-1].of("1").features == 1)
    labels.rollBack()
    wait(lambda: told[-1].classes == {})


def test_a_new_crs_counts_again(told, labels, raster):
    square(labels, 1, pixels(raster, 10, 10, 10))
    wait(lambda: told[-1].of("1").features == 1)
    labels.setCrs(QgsCoordinateReferenceSystem("EPSG:3857"))  # metres: now in the Gulf of Guinea
    wait(lambda: told[-1].outside == 1)


def test_many_edits_are_counted_once(told, labels, raster):
    before = len(told)
    for row in range(50):
        square(labels, 1, pixels(raster, 10, row, 1))
    wait(lambda: told[-1].of("1").features == 50)
    assert len(told) - before <= 2


def test_a_layer_that_goes_while_it_is_counted_harms_nothing(told, labels, raster):
    square(labels, 1, pixels(raster, 10, 10, 10))
    before = len(told)
    QgsProject.instance().removeMapLayer(labels)
    counter_is_quiet = []
    wait(lambda: counter_is_quiet.append(1) or len(counter_is_quiet) > 60)
    assert len(told) == before


def test_a_count_that_fails_ends_the_waiting(labels, raster, monkeypatch):
    def fail(self):
        raise OSError("the drive is gone")

    monkeypatch.setattr(LabelCount, "_run", fail)
    counter = LabelCounter()
    found = []
    counter.counted.connect(found.append)
    counter.watch(labels, "class", [raster])
    wait(lambda: found)
    assert not found[-1].known
    counter.stop()

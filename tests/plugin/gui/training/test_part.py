"""The dock as a part of the plugin: made on first use, removed on unload."""

from __future__ import annotations

import pytest
from qgis.core import QgsProject

from spectralgpt_qgis.gui.training.dock import TrainingDock
from spectralgpt_qgis.gui.training.part import TrainingPart
from tests.plugin.gui.training.desk import pixels, sample_layer, square
from tests.plugin.waiting import wait


@pytest.fixture
def part(provider, models, iface):
    made = TrainingPart(iface, lambda: None)
    made.add()
    iface.window.show()
    yield made
    made.remove()


def test_the_dock_is_made_when_it_is_first_wanted(part, iface, raster):
    (button,) = iface.tools
    assert iface.docks == []
    button.trigger()
    (dock,) = iface.docks
    assert dock.isVisible()
    assert dock.imagery.rasters() == [raster]
    button.trigger()
    assert not dock.isVisible()
    button.trigger()
    assert dock.isVisible()
    assert iface.docks == [dock]


def test_it_opens_with_a_layer(part, raster, later_scene):
    later = sample_layer(later_scene, "later")
    QgsProject.instance().addMapLayer(later)
    dock = part.open(later)
    assert dock.imagery.rasters() == [later]
    assert part.open() is dock


def test_ten_times_in_and_out_leave_nothing(provider, models, iface, raster):
    for _ in range(10):
        part = TrainingPart(iface, lambda: None)
        part.add()
        part.open(raster)
        part.remove()
    assert iface.tools == iface.docks == []
    wait(lambda: not iface.window.findChildren(TrainingDock))
    QgsProject.instance().clear()  # no slot is connected any more


def test_it_goes_while_labels_are_drawn(part, iface, raster, saved_project):
    dock = part.open(raster)
    layer = dock.labels.make_layer()
    square(layer, 1, pixels(raster, 10, 10))
    part.remove()
    part.add()
    assert layer.isEditable()
    column = layer.fields().lookupField("class")
    assert layer.defaultValueDefinition(column).expression() == ""


def test_a_real_training_from_the_dock(part, iface, raster, saved_project):
    """Two classes that are easy to distinguish, from drawing labels to the model."""
    dock = part.open(raster)
    layer = dock.labels.make_layer()
    for place in ((150, 185), (200, 195), (120, 215)):
        square(layer, 1, pixels(raster, *place))
    for place in ((40, 60), (300, 80), (330, 300)):
        square(layer, 2, pixels(raster, *place))
    dock.options._name.setText("Ours")
    dock.options._method.setCurrentIndex(dock.options._method.findData("quick"))
    wait(dock.train_button.isEnabled)
    dock.train_button.click()
    wait(lambda: dock.steps.currentIndex() == 2, 240)
    assert "Ours" in dock.result_panel.title.text()

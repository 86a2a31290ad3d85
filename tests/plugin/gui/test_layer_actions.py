"""The entries in the context menu of raster layers: what they open, and with which layers."""

from __future__ import annotations

import pytest
from qgis.core import QgsProject, QgsRasterLayer, QgsVectorLayer

from spectralgpt_qgis.gui.layer_actions import LayerActions
from tests.plugin.interface import Interface


@pytest.fixture
def interface(qgis_app):
    made = Interface()
    yield made
    made.close()


class Calls:
    """Records what was opened."""

    def __init__(self):
        self.tools, self.trained, self.described = [], [], []

    def open(self, algorithm, parameters, note=""):
        self.tools.append((algorithm, parameters, note))


@pytest.fixture
def calls():
    return Calls()


@pytest.fixture
def actions(interface, calls):
    """The entries in the menu, by text."""
    part = LayerActions(
        interface,
        calls.open,
        lambda layer=None: calls.trained.append(layer),
        lambda layer=None: calls.described.append(layer),
    )
    part.add()
    yield {action.text(): action for action in interface.layer_menu}
    part.remove()
    assert interface.layer_menu == []


@pytest.fixture
def winter(scene):
    return QgsProject.instance().addMapLayer(QgsRasterLayer(scene, "winter"))


@pytest.fixture
def summer(later_scene):
    return QgsProject.instance().addMapLayer(QgsRasterLayer(later_scene, "summer"))


def test_the_entries_and_their_order(actions):
    assert list(actions) == [
        "Classify land cover…",
        "Label scenes…",
        "Detect change with…",
        "Fine-tune…",
        "Describe for models…",
    ]
    assert all(not action.icon().isNull() for action in actions.values())


def test_each_opens_its_tool_with_the_layer(actions, interface, calls, winter):
    interface.current, interface.selected = winter, [winter]
    for action in actions.values():
        action.trigger()
    assert calls.tools == [
        ("spectralgpt:segment", {"INPUT": winter.id()}, ""),
        ("spectralgpt:classify", {"INPUT": winter.id()}, ""),
        ("spectralgpt:detectchange", {"BEFORE": winter.id()}, ""),
    ]
    assert calls.trained == [winter]
    assert calls.described == [winter]


@pytest.mark.parametrize("upper_first", [True, False])
def test_two_selected_rasters_go_in_by_their_dates(
    actions, interface, calls, winter, summer, upper_first
):
    interface.current = summer
    interface.selected = [winter, summer] if upper_first else [summer, winter]
    actions["Detect change with…"].trigger()
    expected = {"BEFORE": winter.id(), "AFTER": summer.id()}
    assert calls.tools == [("spectralgpt:detectchange", expected, "")]


def test_without_dates_the_upper_one_comes_first_and_the_user_is_told(
    actions, interface, calls, tmp_path, scene
):
    from osgeo import gdal

    layers = []
    for name in ("lower", "upper"):  # the layer added last is on top
        path = str(tmp_path / f"{name}.tif")
        gdal.Translate(path, scene, metadataOptions=["ACQUISITION_DATE=unknown"])
        layers.append(QgsProject.instance().addMapLayer(QgsRasterLayer(path, name)))
    lower, upper = layers
    interface.current, interface.selected = lower, [lower, upper]
    actions["Detect change with…"].trigger()
    ((_, parameters, note),) = calls.tools
    assert parameters == {"BEFORE": upper.id(), "AFTER": lower.id()}
    assert "'upper' was assumed to be the earlier one" in note


def test_a_vector_layer_between_two_rasters_does_not_matter(
    actions, interface, calls, winter, summer
):
    other = QgsProject.instance().addMapLayer(QgsVectorLayer("Point", "points", "memory"))
    interface.current, interface.selected = summer, [summer, other, winter]
    actions["Detect change with…"].trigger()
    assert calls.tools[0][1] == {"BEFORE": winter.id(), "AFTER": summer.id()}


def test_three_rasters_leave_the_second_date_to_the_user(
    actions, interface, calls, winter, summer, scene
):
    third = QgsProject.instance().addMapLayer(QgsRasterLayer(scene, "third"))
    interface.current, interface.selected = summer, [winter, summer, third]
    actions["Detect change with…"].trigger()
    assert calls.tools[0][1] == {"BEFORE": summer.id()}


def test_without_a_raster_the_tools_open_empty(actions, interface, calls):
    interface.current = QgsVectorLayer("Point", "points", "memory")
    for action in actions.values():
        action.trigger()
    assert [parameters for _, parameters, _ in calls.tools] == [{}, {}, {}]
    assert calls.trained == calls.described == [None]


def test_a_layer_without_its_data_is_not_opened(actions, interface, calls, tmp_path, winter):
    lost = QgsProject.instance().addMapLayer(QgsRasterLayer(str(tmp_path / "no.tif"), "lost"))
    assert not lost.isValid()
    interface.current, interface.selected = lost, [lost, winter]
    for action in actions.values():
        action.trigger()
        (message,) = interface.bar.items()
        assert "'lost' cannot be found" in message.text()
        interface.bar.clearWidgets()
    assert calls.tools == calls.trained == calls.described == []

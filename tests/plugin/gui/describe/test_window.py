"""The window that describes a layer, with the real engine, and in all cases without a description."""

from __future__ import annotations

import re

import pytest
from osgeo import gdal
from qgis.core import QgsApplication, QgsProject, QgsRasterLayer
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QDialogButtonBox, QPushButton

from spectralgpt_qgis import engine_access
from spectralgpt_qgis.gui import help as gui_help
from spectralgpt_qgis.gui.describe.part import DescribePart
from tests.plugin.interface import Interface
from tests.plugin.waiting import wait


@pytest.fixture
def used():
    return []


@pytest.fixture
def part(qgis_app, used):
    interface = Interface()
    made = DescribePart(interface, lambda layer, model: used.append((layer, model["name"])))
    made.add()
    yield made
    made.remove()
    interface.close()


@pytest.fixture
def winter(scene):
    return QgsProject.instance().addMapLayer(QgsRasterLayer(scene, "winter"))


@pytest.fixture
def window(part, models, winter):
    """The window with the engine's description of the winter scene."""
    opened = part.open(winter)
    wait(lambda: not opened.busy)
    return opened


def texts(table):
    return [
        [table.topLevelItem(row).text(column) for column in range(table.columnCount())]
        for row in range(table.topLevelItemCount())
    ]


def reduced(scene, tmp_path, *bands):
    """The scene with only some of its bands."""
    path = str(tmp_path / "reduced.tif")
    gdal.Translate(path, scene, bandList=list(bands))
    return QgsProject.instance().addMapLayer(QgsRasterLayer(path, "reduced"))


def test_the_window_is_not_modal_and_says_that_it_is_busy(part, models, winter):
    opened = part.open(winter)
    assert opened.busy
    assert opened.isVisible()
    assert not opened.isModal()
    assert opened.bar.isVisible()
    assert "'winter'" in opened.message.text()
    wait(lambda: not opened.busy)
    assert not opened.message.isVisible()


def test_the_layer_as_the_models_see_it(window):
    facts = {name: label.text() for name, label in window.facts.items()}
    assert facts["values"] == "int16 values / 10000"
    assert "EPSG:4326" in facts["crs"]
    assert facts["date"] == "2020-02-02"
    assert "m on the ground" in facts["pixel"]
    assert "(0.000121 × 0.000090 degrees)" in facts["pixel"]
    assert "0 in all bands used" in facts["nodata"]
    bands = texts(window.bands)
    assert bands[1] == ["2", "B02", "Blue", "492 nm"]
    assert bands[8] == ["9", "B8A", "Near infrared, narrow", "865 nm"]
    assert len(bands) == 12


def test_every_model_with_its_verdict(window):
    rows = {row[0]: row[1:4] for row in texts(window.models)}
    assert rows["Test land cover"] == ["Land-cover map", "Fits", "All of its bands were found"]
    assert rows["Test scenes"][:2] == ["Label scenes", "Fits"]
    assert rows["Test change"][:2] == ["Detect change", "Fits"]


@pytest.mark.parametrize(
    ("title", "whole"), [("Scenes of ten classes", True), ("Scenes " * 20, False)]
)
def test_names_are_whole_but_for_very_long_ones(window, title, whole):
    item = window.models.topLevelItem(0)
    model = item.data(0, Qt.ItemDataRole.UserRole)
    window.models.show_models([{**model, "title": title}])
    wanted = window.models.sizeHintForColumn(0)
    longest = 45 * window.models.fontMetrics().averageCharWidth()
    assert (wanted <= longest) == whole
    assert window.models.columnWidth(0) == min(wanted, longest)


def test_the_tip_tells_which_band_serves_which(window):
    item = next(
        window.models.topLevelItem(row)
        for row in range(window.models.topLevelItemCount())
        if window.models.topLevelItem(row).text(0) == "Test land cover"
    )
    assert 'B11: band 11, by name "B11"' in item.toolTip(3)


def test_use_hands_over_layer_and_model(window, used, winter):
    for button in window.models.findChildren(QPushButton):
        button.click()
    assert {layer for layer, _ in used} == {winter}
    assert {"landcover", "scenes", "change"} <= {name for _, name in used}
    assert len(used) == window.models.topLevelItemCount()


def test_what_does_not_fit_says_why_and_cannot_be_used(part, models, scene, tmp_path, used):
    window = part.open(reduced(scene, tmp_path, 2, 3, 4))
    wait(lambda: not window.busy)
    rows = texts(window.models)
    assert rows
    for row in rows:
        assert row[2] == "Does not fit"
        assert row[3].startswith("Missing: ")
    assert re.search(r"B11 \(16\d\d nm\)", rows[0][3])
    assert window.models.findChildren(QPushButton) == []
    window.models.itemActivated.emit(window.models.topLevelItem(0), 0)
    assert used == []


def test_coarse_pixels_are_a_doubt(part, models, scene, tmp_path, used):
    path = str(tmp_path / "coarse.tif")
    gdal.Translate(path, scene, widthPct=33.333, heightPct=33.333)
    window = part.open(QgsProject.instance().addMapLayer(QgsRasterLayer(path, "coarse")))
    wait(lambda: not window.busy)
    for row in texts(window.models):
        assert row[2] == "Doubtful"
        assert "Pixels of 30.1 m; the model was trained on 10 m" in row[3]
    assert len(window.models.findChildren(QPushButton)) == window.models.topLevelItemCount()


def test_a_guess_about_the_values_is_told(part, models, scene, tmp_path):
    path = str(tmp_path / "display.tif")
    gdal.Translate(path, scene, outputType=gdal.GDT_Byte, scaleParams=[[0, 3000]])
    window = part.open(QgsProject.instance().addMapLayer(QgsRasterLayer(path, "display")))
    wait(lambda: not window.busy)
    assert window.warnings.isVisible()
    assert "8-bit values" in window.warnings.text()


def test_another_layer_is_looked_at_when_chosen(window, scene, tmp_path):
    other = reduced(scene, tmp_path, 2, 3)
    window.layers.setLayer(other)
    assert window.busy
    wait(lambda: not window.busy)
    assert len(texts(window.bands)) == 2


def test_a_layer_that_goes_while_it_is_looked_at(part, models, winter):
    window = part.open(winter)
    assert window.busy
    QgsProject.instance().removeMapLayer(winter.id())
    assert not window.busy
    assert "There is no raster layer" in window.message.text()
    wait(lambda: QgsApplication.taskManager().countActiveTasks() == 0)
    assert "There is no raster layer" in window.message.text()


def test_a_project_that_is_closed_after_the_look(window, used):
    QgsProject.instance().clear()
    assert "There is no raster layer" in window.message.text()
    assert window.message.isVisible()


def test_closing_the_window_gives_the_look_up(part, models, winter):
    window = part.open(winter)
    window.close()
    assert not window.isVisible()
    assert not window.busy
    wait(lambda: QgsApplication.taskManager().countActiveTasks() == 0)


def test_a_look_that_is_ended_in_the_list_of_tasks(part, models, winter):
    window = part.open(winter)
    QgsApplication.taskManager().cancelAll()
    wait(lambda: not window.busy)
    assert window.message.text() == "Stopped."
    part.open(winter)
    wait(lambda: not window.busy)
    assert len(texts(window.bands)) > 2


def test_without_an_engine_the_window_says_so(part, no_engine, winter):
    window = part.open(winter)
    assert not window.busy
    assert window.message.text() == engine_access.why_not_ready()
    assert not window.bar.isVisible()


def test_what_is_no_file_is_explained(part, models):
    source = "type=xyz&url=https://localhost/{z}/{x}/{y}.png&zmax=3&zmin=0"
    service = QgsProject.instance().addMapLayer(QgsRasterLayer(source, "map service", "wms"))
    assert service.isValid()
    window = part.open(service)
    assert not window.busy
    assert "'map service' is not a file but a web service" in window.message.text()


def test_a_layer_without_its_data(part, models, tmp_path):
    lost = QgsProject.instance().addMapLayer(QgsRasterLayer(str(tmp_path / "no.tif"), "lost"))
    window = part.open(lost)
    assert "'lost' cannot be found" in window.message.text()


def test_an_error_of_the_engine_is_shown(part, models, tmp_path):
    path = tmp_path / "a.tif"
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), 30, 30, 3)
    dataset = None  # noqa: F841  written when it is freed
    layer = QgsProject.instance().addMapLayer(QgsRasterLayer(str(path), "nowhere"))
    window = part.open(layer)
    wait(lambda: not window.busy)
    assert "has no coordinate reference system" in window.message.text()


def test_f1_and_the_help_button_open_the_page(window, monkeypatch):
    pages = []
    monkeypatch.setattr(gui_help, "open_help", pages.append)
    QTest.keyClick(window, Qt.Key.Key_F1)
    box = window.findChild(QDialogButtonBox)
    box.button(QDialogButtonBox.StandardButton.Help).click()
    assert pages == ["describe", "describe"]


def test_the_part_takes_its_window_away(part, models, winter):
    window = part.open(winter)
    assert part.open(winter) is window
    part.remove()
    assert not window.isVisible()


def test_the_keyboard_goes_from_top_to_bottom(window, used):
    window.layers.setFocus()
    order = []
    for _ in range(20):
        order.append(window.focusWidget())
        window.focusNextChild()
        if window.focusWidget() is window.layers:
            break
    use = [button for button in order if getattr(button, "text", str)() == "Use…"]
    assert order[:3] == [window.layers, window.bands, window.models]
    assert order[3 : 3 + len(use)] == use
    assert [button.text().replace("&", "") for button in order[3 + len(use) :]] == ["Close", "Help"]
    assert len(use) == window.models.topLevelItemCount()
    heights = [button.mapToGlobal(button.rect().topLeft()).y() for button in use]
    assert heights == sorted(heights)
    QTest.keyClick(window.models, Qt.Key.Key_Return)
    best = window.models.topLevelItem(0).data(0, Qt.ItemDataRole.UserRole)
    assert [name for _, name in used] == [best["name"]]

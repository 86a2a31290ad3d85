"""The rows of rasters to learn from."""

from __future__ import annotations

import pytest
from qgis.core import QgsProject
from qgis.PyQt.QtWidgets import QPushButton, QVBoxLayout, QWidget

from spectralgpt_qgis.gui.training.raster_rows import RasterRows
from tests.plugin.gui.training.desk import sample_layer


@pytest.fixture
def later(later_scene):
    layer = sample_layer(later_scene, "Later")
    QgsProject.instance().addMapLayer(layer)
    return layer


@pytest.fixture
def rows(raster, later):
    made = RasterRows()
    made.first_list.setLayer(raster)
    yield made
    made.deleteLater()


def test_more_rasters_can_be_added_and_taken_out(rows, raster, later):
    row = rows.add_row()
    assert rows.rasters() == [raster]
    row.before.setLayer(later)
    assert rows.rasters() == [raster, later]
    row._remove.click()
    assert rows.rasters() == [raster]


def test_the_second_date_is_asked_for_change_alone(rows, raster, later):
    rows._rows[0].after.setLayer(later)
    assert rows.pairs() == [(raster, None)]
    rows.show_second(True)
    assert rows.pairs() == [(raster, later)]


def test_rows_are_shown_as_they_were_kept(rows, raster, later):
    rows.show_second(True)
    rows.set_pairs([(later, raster), (raster, later)])
    assert rows.pairs() == [(later, raster), (raster, later)]
    rows.set_pairs([(raster, None)])
    assert rows.pairs() == [(raster, None)]


def test_a_raster_that_is_deleted_is_let_go(rows, raster, later):
    told = []
    rows.changed.connect(lambda: told.append(rows.rasters()))
    QgsProject.instance().removeMapLayer(raster)
    assert told
    assert rows.rasters() == [], "no other one is taken instead"


def test_the_list_is_as_wide_as_its_row(rows):
    rows.resize(300, 60)
    rows.show()
    assert rows.first_list.width() > 200


def test_an_empty_list_asks_for_a_raster(rows):
    rows.show_second(True)
    assert rows._rows[0].after.currentText() == "Choose a raster"
    assert rows.add_row().before.currentText() == "Choose a raster"


def test_the_tab_key_goes_from_row_to_row_and_then_to_the_button(qgis_app):
    """Also in a window with more widgets, whose last one is not reached before a new row."""
    window = QWidget()
    layout = QVBoxLayout(window)
    rows, last = RasterRows(), QPushButton("Train")
    layout.addWidget(rows)
    layout.addWidget(last)
    second = rows.add_row()
    wanted = [rows.first_list, second.before, second._remove, rows._more, last]
    chain, at = [], window.nextInFocusChain()
    while at is not window:
        chain += [at] if at in wanted else []
        at = at.nextInFocusChain()
    assert chain == wanted
    window.deleteLater()

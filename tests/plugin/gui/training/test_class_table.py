"""The table of classes: its contents, warnings and editing."""

from __future__ import annotations

import pytest
from qgis.PyQt.QtCore import Qt

from spectralgpt_qgis.gui.training.class_table import (
    COLOUR,
    DRAW,
    FEATURES,
    FEWEST,
    NAME,
    PIXELS,
    VALUE,
    ClassTable,
    shortage,
)
from spectralgpt_qgis.gui.training.label_classes import LabelClass
from spectralgpt_qgis.tasks.label_count import ClassCount, LabelCounts

WATER, FOREST = LabelClass("1", "Water", "#0000ff"), LabelClass("2", "Forest", "#00aa00")
COUNTS = LabelCounts({"1": ClassCount(3, 588.2), "2": ClassCount(2, 12.0)})


@pytest.fixture
def table(qgis_app):
    made = ClassTable()
    made.classes.show_classes([WATER, FOREST], "polygon")
    yield made
    made.deleteLater()


def shown(table, row, column, role=Qt.ItemDataRole.DisplayRole):
    return table.classes.data(table.classes.index(row, column), role)


def test_counts_stand_beside_the_names(table):
    assert shown(table, 0, FEATURES) == "…"
    table.classes.show_counts(COUNTS)
    assert [shown(table, 0, column) for column in (NAME, VALUE, FEATURES, PIXELS)] == [
        "Water",
        "1",
        "3",
        "588",
    ]


def test_too_few_polygons_are_marked_with_how_many_are_wanted(table):
    table.classes.show_counts(COUNTS)
    assert table.classes.shortage(0) == ""
    assert shown(table, 0, FEATURES, Qt.ItemDataRole.DecorationRole) is None
    assert "2 of at least 3 polygons" in shown(table, 1, FEATURES, Qt.ItemDataRole.ToolTipRole)
    assert shown(table, 1, FEATURES, Qt.ItemDataRole.DecorationRole) is not None
    assert "2, 2 of at least" in shown(table, 1, FEATURES, Qt.ItemDataRole.AccessibleTextRole)


def test_nobody_is_warned_before_anything_is_counted(table):
    assert table.classes.shortage(1) == ""


def test_the_wanted_number_is_that_of_the_help(provider):
    help_text = provider.algorithm("finetune").shortHelpString()
    assert FEWEST == 3
    assert "three to ten small polygons" in help_text


@pytest.mark.parametrize(
    ("unit", "count", "expected"),
    [
        ("point", ClassCount(2, 2.0), "2 of at least 3 points"),
        ("point", ClassCount(3, 3.0), ""),
        ("raster", ClassCount(0, 5.0), ""),
        ("raster", ClassCount(0, 0.0), "No pixel"),
    ],
)
def test_points_and_rasters_have_their_own_words(unit, count, expected):
    told = shortage(WATER, LabelCounts({"1": count}), unit)
    assert told.startswith(expected)
    assert bool(told) == bool(expected)


def test_a_name_and_a_colour_can_be_changed(table):
    changes = []
    table.classes.edited.connect(lambda: changes.append(table.classes.classes[0]))
    edit = Qt.ItemDataRole.EditRole
    assert table.classes.setData(table.classes.index(0, NAME), " Lake ", edit)
    assert table.classes.setData(table.classes.index(0, COLOUR), "#123456", edit)
    assert changes[-1] == LabelClass("1", "Lake", "#123456")


@pytest.mark.parametrize("wrong", ["", "  ", "Forest"])
def test_a_name_is_neither_empty_nor_taken(table, wrong):
    name = table.classes.index(0, NAME)
    assert not table.classes.setData(name, wrong, Qt.ItemDataRole.EditRole)
    assert table.classes.classes[0] == WATER


def test_a_click_on_the_pencil_asks_to_draw(table):
    asked = []
    table.draw_wanted.connect(asked.append)
    table.clicked.emit(table.classes.index(1, NAME))
    table.clicked.emit(table.classes.index(1, DRAW))
    assert asked == [1]


def test_all_columns_fit_into_a_narrow_dock(table):
    table.classes.show_counts(LabelCounts({"1": ClassCount(99, 9999.0)}))
    table.resize(330, 200)
    table.show()
    assert sum(table.columnWidth(column) for column in range(DRAW + 1)) <= table.viewport().width()
    assert table.columnWidth(NAME) > 60


def test_a_narrow_table_gives_up_values_then_pixels_but_no_name(table):
    """Widths as the table computes them: one pixel less than all columns need, then also less the column of values."""
    table.classes.show_counts(COUNTS)
    table.resize(600, 200)
    table.show()
    header = table.horizontalHeader()
    need = {
        column: max(table.sizeHintForColumn(column), header.sectionSizeHint(column))
        for column in (NAME, VALUE, FEATURES, PIXELS)
    }
    rest = table.width() - table.viewport().width() + 2 * 28
    for width, hidden in (
        (sum(need.values()), []),
        (sum(need.values()) - 1, [VALUE]),
        (sum(need.values()) - need[VALUE], [VALUE]),
        (sum(need.values()) - need[VALUE] - 1, [VALUE, PIXELS]),
    ):
        table.resize(rest + width, 200)
        assert [column for column in range(DRAW + 1) if table.isColumnHidden(column)] == hidden
    table.resize(600, 200)
    assert not table.isColumnHidden(VALUE) and not table.isColumnHidden(PIXELS)

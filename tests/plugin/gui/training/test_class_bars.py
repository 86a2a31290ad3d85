"""The table of classes with bars."""

from __future__ import annotations

from spectralgpt_qgis.gui.training.class_bars import ClassBars, swatch
from spectralgpt_qgis.gui.training.run_record import ClassScore


def test_a_row_a_class_in_the_order_given(qgis_app):
    table = ClassBars()
    table.show_scores([ClassScore("Water", "#2266cc", 0.876), ClassScore("Land", "#7a9a3a", None)])
    assert [table.item(row, 0).text() for row in range(2)] == ["Water", "Land"]
    assert [table.item(row, 1).text() for row in range(2)] == ["88 %", "–"]
    assert "held back" in table.item(1, 1).toolTip()
    table.show_scores([ClassScore("Water", "#2266cc", 1.0)])
    assert table.rowCount() == 1


def test_many_classes_scroll(qgis_app):
    table = ClassBars()
    heights = []
    for count in (2, 6, 40):
        table.show_scores([ClassScore(str(k), "#808080", 0.5) for k in range(count)])
        heights.append(table.height())
    assert heights[0] < heights[1] == heights[2]


def test_a_bar_is_as_long_as_its_share(qgis_app):
    """A row with three times the share of another has three times as many blue pixels."""
    table = ClassBars()
    table.resize(400, 100)
    table.show_scores([ClassScore("a", "#ff0000", 0.25), ClassScore("b", "#ff0000", 0.75)])
    table.show()
    picture = table.viewport().grab().toImage()
    table.hide()
    blue = []
    for row in range(2):
        box = table.visualRect(table.model().index(row, 1))
        y = box.center().y()
        line = [picture.pixelColor(x, y).name() for x in range(box.left(), box.right())]
        blue.append(line.count("#2f86c8"))
    assert blue[0] > 10 and abs(blue[1] - 3 * blue[0]) <= 3


def test_the_swatch_has_the_colour(qgis_app):
    picture = swatch("#2266cc", 12).pixmap(12, 12).toImage()
    assert picture.pixelColor(6, 6).name() == "#2266cc"

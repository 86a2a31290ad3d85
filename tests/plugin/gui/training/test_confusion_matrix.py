"""The confusion matrix: texts and darkness of its cells."""

from __future__ import annotations

import pytest
from qgis.PyQt.QtGui import QColor, QPalette

from spectralgpt_qgis.gui.training.confusion_matrix import ConfusionMatrix, Place, short

TITLES, COLORS = ["Water", "Land"], ["#2266cc", "#7a9a3a"]
COUNTS = [[90, 10], [0, 50]]


@pytest.fixture
def matrix(qgis_app):
    made = ConfusionMatrix()
    made.resize(340, 200)
    made.show_matrix(TITLES, COLORS, COUNTS)
    yield made
    made.deleteLater()


def words(matrix, row, column):
    return matrix.text_at(Place(row, column)).replace("\N{NO-BREAK SPACE}", " ")


def test_cells_in_words(matrix):
    assert words(matrix, 0, 0) == "Water: 90 mapped correctly (90 %)"
    assert words(matrix, 0, 1) == "Water: 10 mapped as Land (10 %)"
    assert words(matrix, 1, 0) == "Land: 0 mapped as Water (0 %)"
    described = matrix.accessibleDescription()
    assert "10 mapped as Land" in described and "mapped as Water" not in described


def test_where_a_cell_is(matrix):
    for row in range(2):
        for column in range(2):
            middle = matrix._cell(row, column).center()
            assert matrix.place_at(middle.x(), middle.y()) == Place(row, column)
    sums = matrix._cell(0, 2).center()
    assert matrix.place_at(sums.x(), sums.y()) is None
    assert matrix.place_at(1, 1) is None


def corner(matrix, row, column):
    """The colour near a cell's corner, away from the figure."""
    cell = matrix._cell(row, column)
    return matrix.grab().toImage().pixelColor(round(cell.left() + 4), round(cell.top() + 4))


@pytest.mark.parametrize("back", ["#ffffff", "#202020"])
def test_right_is_green_wrong_is_red_and_more_is_darker(matrix, back):
    palette = QPalette(matrix.palette())
    palette.setColor(QPalette.ColorRole.Window, QColor(back))
    matrix.setPalette(palette)
    matrix.setAutoFillBackground(True)
    right, wrong, none = (corner(matrix, *place) for place in ((0, 0), (0, 1), (1, 0)))
    assert right.green() > right.red() + 30
    assert wrong.red() > wrong.green()
    assert none.name() == back, "nothing there: nothing drawn"
    full = corner(matrix, 1, 1)
    distance = [abs(color.green() - QColor(back).green()) for color in (full, right)]
    assert distance[0] >= distance[1], "50 of 50 is further from the ground than 90 of 100"


@pytest.mark.parametrize("count", [1, 2, 5, 12, 25])
def test_any_number_of_classes_is_drawn_in_a_dock(matrix, count):
    titles = [f"A class with a long name {k}" for k in range(count)]
    counts = [[123456 if r == c else 7 for c in range(count)] for r in range(count)]
    matrix.show_matrix(titles, ["#808080"] * count, counts)
    height = matrix.height()
    matrix.resize(320, height)
    assert not matrix.grab().isNull()
    matrix.set_percent(True)
    assert not matrix.grab().isNull()
    assert matrix.height() == height == matrix.sizeHint().height()
    last = matrix._cell(count - 1, count - 1)
    assert last.bottom() <= height


def test_large_numbers_in_few_digits():
    assert [short(n) for n in (7, 999, 1234, 45678, 2_500_000)] == [
        "7",
        "999",
        "1.2k",
        "46k",
        "2.5M",
    ]

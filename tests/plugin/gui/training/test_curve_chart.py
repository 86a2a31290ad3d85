"""The chart draws its curves in all themes."""

from __future__ import annotations

import pytest
from qgis.PyQt.QtGui import QColor, QPalette

from spectralgpt_qgis.gui.training.curve_chart import LOSS, SCORE, Curve, CurveChart


@pytest.fixture
def chart(qgis_app):
    made = CurveChart()
    made.resize(340, 200)
    yield made
    made.deleteLater()


def colours(chart):
    """The number of pixels of each colour."""
    picture = chart.grab().toImage()
    counts = {}
    for x in range(picture.width()):
        for y in range(picture.height()):
            name = picture.pixelColor(x, y).name()
            counts[name] = counts.get(name, 0) + 1
    return counts


def points(*values):
    return dict(enumerate(values))


def test_an_empty_one_says_what_it_waits_for(chart):
    chart.show_message("Curves appear later.")
    assert chart.accessibleDescription() == "Curves appear later."
    assert len(colours(chart)) > 2, "the text is drawn"


@pytest.mark.parametrize("back", ["#ffffff", "#232323"])
def test_curves_on_light_and_dark(chart, back):
    palette = QPalette(chart.palette())
    palette.setColor(QPalette.ColorRole.Window, QColor(back))
    palette.setColor(QPalette.ColorRole.WindowText, QColor("#111111" if back > "#8" else "#eeeeee"))
    chart.setPalette(palette)
    chart.setAutoFillBackground(True)
    chart.show_curves(
        [
            Curve("Mean IoU", SCORE, points(0.5, 0.6, 0.7)),
            Curve("Loss", LOSS, {1: 2.0, 2: 1.0}, is_share=False),
        ],
        12,
        "Round",
        (2, 0.7),
    )
    found = colours(chart)
    assert found[back] > 10_000
    assert found[SCORE] > 30 and found[LOSS] > 10
    assert chart.accessibleDescription() == "Mean IoU: 70 %; Loss: 1"


def test_a_theme_colours_its_text_as_that_of_labels(chart):
    """As in the theme Night Mapping, which does not change the palette."""
    chart.setStyleSheet("QLabel { color: #33ff33; background-color: #000000; }")
    chart.show_curves([Curve("A", SCORE, points(0.5, 0.6))], 3, "Round")
    assert colours(chart).get("#33ff33", 0) > 30


def test_curves_without_points_are_left_out(chart):
    chart.show_curves([Curve("Loss", LOSS, {}, is_share=False), Curve("A", SCORE, {0: 0.5})], 0, "")
    assert chart.accessibleDescription() == "A: 50 %"
    assert LOSS not in colours(chart)


@pytest.mark.parametrize("size", [(60, 40), (10, 10), (1200, 700)])
def test_any_size_is_drawn(chart, size):
    chart.show_curves([Curve("A", SCORE, points(*[k / 300 for k in range(300)]))], 300, "Round")
    chart.setMinimumHeight(0)
    chart.resize(*size)
    assert not chart.grab().isNull()

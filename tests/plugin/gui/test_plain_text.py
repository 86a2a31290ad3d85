"""Names that contain HTML are shown literally."""

from __future__ import annotations

import pytest
from qgis.core import Qgis
from qgis.gui import QgsMapCanvas, QgsMessageBar
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import QTextBrowser

from spectralgpt_qgis.gui.plain_text import plain_message, push_plain, unmarked
from spectralgpt_qgis.gui.training.footer import Footer
from spectralgpt_qgis.gui.training.place_walk import PlaceWalk
from spectralgpt_qgis.gui.training.result_panel import ResultPanel
from spectralgpt_qgis.gui.training.run_panel import RunPanel
from tests.plugin.gui.training.desk import Interface

NAMES = ["Wald", "Wald & Wiese", "<b>Wald</b>", "a<br>b & c", "<h1>", "x < y > z"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("title", ["", "SpectralGPT"])
def test_message_bars_show_names_as_they_are(qgis_app, name, title):
    bar = QgsMessageBar()
    bar.pushItem(plain_message(bar, name, title))
    assert [shown(item) for item in bar.items()] == [f"{title}: {name}" if title else name]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seconds", [None, 0])
def test_messages_are_pushed_as_they_are(qgis_app, name, seconds):
    bar = QgsMessageBar()
    push_plain(bar, name, Qgis.MessageLevel.Info, seconds)
    assert [shown(item) for item in bar.items()] == [f"SpectralGPT: {name}"]


def shown(item):
    return item.findChild(QTextBrowser).toPlainText()


def test_lines_stay_lines(qgis_app):
    browser = QTextBrowser()
    browser.setText(unmarked("<b>Wald</b>\nforest"))
    assert browser.toPlainText() == "<b>Wald</b>\nforest"


@pytest.mark.parametrize(
    ("make", "names"),
    [
        (Footer, ("status",)),
        (RunPanel, ("doing", "time", "judged", "keeping")),
        (lambda: ResultPanel(Interface()), ("headline", "measure", "warning_text", "status")),
        (lambda: PlaceWalk(QgsMapCanvas()), ("where",)),
    ],
)
def test_labels_that_tell_names_are_plain(qgis_app, make, names):
    """They show names of classes, layers and models."""
    part = make()
    for name in names:
        assert getattr(part, name).textFormat() == Qt.TextFormat.PlainText, name
    part.deleteLater()

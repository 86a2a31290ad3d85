"""A tab of the dock on low and high screens."""

from __future__ import annotations

import pytest
from qgis.PyQt.QtWidgets import QLabel, QWidget

from spectralgpt_qgis.gui.training.scrolled import scrolled


@pytest.fixture
def panels(qgis_app):
    made = [QWidget(), QWidget()]
    for panel in made:
        panel.setMinimumHeight(200)
    return made


def shown(area, height):
    area.resize(300, height)
    area.show()
    area.widget().layout().activate()
    return area


def test_what_does_not_fit_is_scrolled_to_and_never_sideways(panels):
    wide = QLabel("a rather long line of text that is wider than the dock is")
    area = shown(scrolled(*panels, wide), 150)
    assert area.verticalScrollBar().maximum() > 0
    assert not area.horizontalScrollBar().isVisible()


@pytest.mark.parametrize("grows", [True, False])
def test_the_last_panel_grows_where_it_is_asked_to(panels, grows):
    area = shown(scrolled(*panels, grows=grows), 900)
    assert (panels[1].height() > 450) == grows
    assert area.verticalScrollBar().maximum() == 0

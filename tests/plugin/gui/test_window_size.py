"""Windows open within the screen, also on a small or scaled one, so that the buttons at their bottom are seen."""

from __future__ import annotations

import pytest
from qgis.PyQt.QtGui import QGuiApplication
from qgis.PyQt.QtWidgets import QDialog, QWidget

from spectralgpt_qgis.gui.describe.window import DescribeWindow
from spectralgpt_qgis.gui.window_size import resize_on_screen


@pytest.fixture
def screen(qgis_app):
    """The available area of the screen; the offscreen platform's is 800 x 800 pixels."""
    return QGuiApplication.primaryScreen().availableGeometry()


@pytest.mark.parametrize("shown", [False, True])
def test_a_window_is_never_larger_than_its_screen(screen, shown):
    parent = QWidget()
    parent.setVisible(shown)
    window = QDialog(parent)
    resize_on_screen(window, 5000, 5000)
    assert window.width() == screen.width()
    assert screen.height() - 60 < window.height() < screen.height()  # room for the title bar
    resize_on_screen(window, 300, 200)
    assert (window.width(), window.height()) == (300, 200)
    parent.deleteLater()


def test_a_wide_window_opens_within_the_screen(screen):
    window = DescribeWindow(None, lambda *_: None)
    assert window.width() <= screen.width()
    window.deleteLater()

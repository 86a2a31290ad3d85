"""F1 and the Help buttons open the shipped page, for each tool its own section."""

from __future__ import annotations

import pytest
from qgis.PyQt import QtGui, QtWidgets
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QDockWidget,
    QLineEdit,
    QMainWindow,
    QVBoxLayout,
    QWidget,
)

from spectralgpt_qgis import help_pages, paths
from spectralgpt_qgis.gui import help as gui_help

QAction = getattr(QtWidgets, "QAction", None) or QtGui.QAction


@pytest.fixture
def opened(monkeypatch):
    """The URLs that would have been opened in a browser."""
    pages = []
    monkeypatch.setattr(
        gui_help.QDesktopServices, "openUrl", lambda url: pages.append(url.toString()) or True
    )
    return pages


@pytest.fixture
def dialog(qgis_app):
    """A dialog with a line edit and a button box."""
    window = QDialog()
    layout = QVBoxLayout(window)
    window.field = QLineEdit()
    layout.addWidget(window.field)
    window.box = QDialogButtonBox(
        QDialogButtonBox.StandardButton.Close | QDialogButtonBox.StandardButton.Help
    )
    layout.addWidget(window.box)
    gui_help.add_help(window, "models")
    yield window
    window.close()
    window.deleteLater()


def test_f1_in_a_field_opens_the_page_of_its_window(dialog, opened):
    dialog.show()
    QTest.keyClick(dialog.field, Qt.Key.Key_F1)
    assert opened == [help_pages.page_url("models")]
    QTest.keyClick(dialog.field, Qt.Key.Key_F2)
    QTest.keyClick(dialog.field, Qt.Key.Key_F1, Qt.KeyboardModifier.ShiftModifier)
    assert len(opened) == 1


def test_the_help_button_of_a_row_opens_it_too(dialog, opened):
    dialog.box.button(QDialogButtonBox.StandardButton.Help).click()
    assert opened == [help_pages.page_url("models")]


def test_in_a_dock_f1_is_ours_and_elsewhere_it_stays_that_of_qgis(qgis_app, opened):
    window = QMainWindow()
    own = []
    contents = QAction("Help contents", window)
    contents.setShortcut("F1")
    contents.triggered.connect(lambda *_: own.append(True))
    window.addAction(contents)
    elsewhere = QLineEdit()
    window.setCentralWidget(elsewhere)
    dock, field = QDockWidget(window), QLineEdit()
    dock.setWidget(field)
    window.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, dock)
    gui_help.add_help(dock, "training")
    window.show()
    window.activateWindow()
    QTest.qWaitForWindowActive(window)
    QTest.keyClick(field, Qt.Key.Key_F1)
    assert (opened, own) == ([help_pages.page_url("training")], [])
    QTest.keyClick(elsewhere, Qt.Key.Key_F1)
    assert (len(opened), own) == (1, [True])
    window.close()
    window.deleteLater()


def test_a_button_for_a_corner(qgis_app, opened):
    parent = QWidget()
    button = gui_help.help_button(parent, "describe")
    button.click()
    assert opened == [help_pages.page_url("describe")]
    assert button.text()
    assert "F1" in button.toolTip()
    parent.deleteLater()


@pytest.mark.parametrize("topic", help_pages.TOPICS)
def test_every_topic_has_its_page_and_section(topic):
    page, section = help_pages.TOPICS[topic]
    text = (paths.HELP / f"{page}.html").read_text(encoding="utf-8")
    assert not section or f'id="{section}"' in text


def test_every_tool_has_a_section_of_its_own(provider):
    for algorithm in provider.algorithms():
        assert algorithm.name() in help_pages.TOPICS
        assert algorithm.helpUrl() == help_pages.page_url(algorithm.name())
        assert algorithm.helpUrl().startswith("file:///")


def test_what_nobody_wrote_about_opens_the_first_page():
    assert help_pages.page_url("nothing of this name").endswith("/resources/help/index.html")

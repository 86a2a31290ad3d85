"""The context menu of layers, and the plugin's own menu."""

from __future__ import annotations

from qgis.PyQt.QtCore import QItemSelectionModel, QPoint
from qgis.PyQt.QtWidgets import QApplication, QMenu
from qgis.utils import iface

from .layers import layers_by_name
from .screen import pause, picture


def plugin_menu():
    """The entries under Raster > SpectralGPT."""
    return [
        action
        for menu in iface.mainWindow().findChildren(QMenu)
        if menu.title().replace("&", "") == "SpectralGPT"
        for action in menu.actions()
    ]


def choose(actions, words):
    """Chooses the entry that begins with this text."""
    next(action for action in actions if action.text().replace("&", "").startswith(words)).trigger()


def open_layer_menu(*names, picture_name=None):
    """Selects layers, the last one by a click, and returns the plugin's entries in their context menu."""
    tree = iface.layerTreeView()
    layers = layers_by_name()
    iface.setActiveLayer(layers[names[-1]])
    root = tree.layerTreeModel().rootGroup()
    for name in names:
        index = tree.node2index(root.findLayer(layers[name].id()))
        tree.selectionModel().select(index, QItemSelectionModel.SelectionFlag.Select)
    menu = tree.menuProvider().createContextMenu()
    ours = next(
        action for action in menu.actions() if action.text().replace("&", "") == "SpectralGPT"
    )
    if picture_name:
        menu.popup(tree.mapToGlobal(QPoint(90, 110)))
        pause(0.3)
        menu.setActiveAction(ours)
        pause(0.5)
        picture(picture_name)
        menu.close()
    return ours.menu().actions()


def window_titled(title):
    """The window with this title; None while it is not open."""
    for widget in QApplication.topLevelWidgets():
        if widget.windowTitle() == title and widget.isVisible():
            return widget
    return None

"""A stand-in for QGIS's interface that records what a plugin adds."""

from __future__ import annotations

from types import SimpleNamespace

from qgis.gui import QgsMessageBar
from qgis.PyQt.QtWidgets import QMainWindow

from spectralgpt_qgis.gui.chosen_rasters import RASTER


class Interface:
    """Menus are lists of actions; tests set the active and the selected layers."""

    def __init__(self):
        self.window = QMainWindow()
        self.bar = QgsMessageBar(self.window)
        self.menu, self.layer_menu, self.option_pages, self.drop_handlers = [], [], [], []
        self.tools = []
        self.some_layers_menu, self.offered = [], []  # entries of some layers only, and of which
        self.current = None
        self.selected = []

    def mainWindow(self):
        return self.window

    def messageBar(self):
        return self.bar

    def activeLayer(self):
        return self.current

    def layerTreeView(self):
        return SimpleNamespace(
            currentLayer=lambda: self.current, selectedLayers=lambda: list(self.selected)
        )

    def registerCustomDropHandler(self, handler):
        self.drop_handlers.append(handler)

    def unregisterCustomDropHandler(self, handler):
        self.drop_handlers.remove(handler)

    def addPluginToRasterMenu(self, name, action):
        self.menu.append(action)

    def removePluginRasterMenu(self, name, action):
        self.menu.remove(action)

    def addToolBarIcon(self, action):
        self.tools.append(action)

    def removeToolBarIcon(self, action):
        self.tools.remove(action)

    def addCustomActionForLayerType(self, action, menu, kind, all_layers):
        assert (menu, kind) == ("SpectralGPT", RASTER)
        (self.layer_menu if all_layers else self.some_layers_menu).append(action)

    def addCustomActionForLayer(self, action, layer):
        assert action in self.some_layers_menu
        self.offered.append((action.text(), layer.name()))

    def removeCustomActionForLayerType(self, action):
        (self.layer_menu if action in self.layer_menu else self.some_layers_menu).remove(action)
        return True

    def registerOptionsWidgetFactory(self, factory):
        self.option_pages.append(factory)

    def unregisterOptionsWidgetFactory(self, factory):
        self.option_pages.remove(factory)

    def close(self):
        self.current, self.selected = None, []  # a layer must not outlive QGIS
        self.window.deleteLater()

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
        assert (menu, kind, all_layers) == ("SpectralGPT", RASTER, True)
        self.layer_menu.append(action)

    def removeCustomActionForLayerType(self, action):
        self.layer_menu.remove(action)
        return True

    def registerOptionsWidgetFactory(self, factory):
        self.option_pages.append(factory)

    def unregisterOptionsWidgetFactory(self, factory):
        self.option_pages.remove(factory)

    def close(self):
        self.current, self.selected = None, []  # a layer must not outlive QGIS
        self.window.deleteLater()

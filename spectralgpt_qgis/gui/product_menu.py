"""The entry in the context menu of raster layers that are one file of a satellite product."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from qgis.core import QgsMapLayer, QgsProject
from qgis.PyQt.QtCore import QObject

from ..i18n import tr
from ..product_files import in_product
from .actions import make_action
from .chosen_rasters import RASTER, current_raster
from .layer_actions import LayerActions

ALGORITHM = "spectralgpt:openproduct"


class ProductMenu(QObject):
    """Opens the tool for satellite products, and offers it for layers that belong to one."""

    def __init__(self, iface: Any, open_tool: Callable[..., Any]) -> None:
        """Adds nothing yet.

        Args:
            iface: QGIS's interface.
            open_tool: Opens the dialog of an algorithm; called with its id and parameters.
        """
        super().__init__()
        self._iface, self._open_tool = iface, open_tool
        self._action: Any = None

    def add(self) -> None:
        """Adds the entry to the layers of the project, and to those that are added from now on."""
        self._action = make_action(
            "product", tr("Open its whole product…"), self._iface.mainWindow(), self.open_whole
        )
        self._iface.addCustomActionForLayerType(self._action, LayerActions.MENU, RASTER, False)
        project = QgsProject.instance()
        self._offer(project.mapLayers().values())
        project.layersAdded.connect(self._offer)

    def remove(self) -> None:
        """Removes the entry."""
        QgsProject.instance().layersAdded.disconnect(self._offer)
        self._iface.removeCustomActionForLayerType(self._action)
        self._action.deleteLater()

    def open(self, *_: Any) -> None:
        """Opens the tool."""
        self._open_tool(ALGORITHM, {})

    def open_whole(self, *_: Any) -> None:
        """Opens the tool for the product of the current layer."""
        layer = current_raster(self._iface)
        if layer is not None:
            self._open_tool(ALGORITHM, {"INPUT": layer.source().partition("|")[0]})

    def _offer(self, layers: Iterable[QgsMapLayer]) -> None:
        for layer in layers:
            if layer.type() == RASTER and in_product(layer.source()):
                self._iface.addCustomActionForLayer(self._action, layer)

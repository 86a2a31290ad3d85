"""The "SpectralGPT" entries in the menu of raster layers: the tools, with the layer already chosen."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import processing
from qgis.core import Qgis, QgsMapLayer, QgsMapLayerType

from ..i18n import tr
from .actions import make_action

_RASTER = Qgis.LayerType.Raster if hasattr(Qgis, "LayerType") else QgsMapLayerType.RasterLayer


@dataclass(frozen=True)
class Tool:
    """An algorithm that starts from a raster layer."""

    algorithm: str
    parameter: str
    icon: str
    text: str


def tools() -> tuple[Tool, ...]:
    """The entries, in their order."""
    return (
        Tool("spectralgpt:segment", "INPUT", "segment", tr("Land-cover map…")),
        Tool("spectralgpt:classify", "INPUT", "classify", tr("Label scenes…")),
        Tool("spectralgpt:detectchange", "BEFORE", "change", tr("Detect change…")),
    )


class LayerActions:
    """Adds the entries to the layer menu and takes them away again."""

    def __init__(self, iface: Any) -> None:
        """Adds nothing yet."""
        self._iface = iface
        self._actions: list[Any] = []

    def add(self) -> None:
        """Adds one entry a tool for every raster layer."""
        for tool in tools():
            action = make_action(
                tool.icon, tool.text, self._iface.mainWindow(), partial(self._open, tool)
            )
            self._iface.addCustomActionForLayerType(action, "SpectralGPT", _RASTER, True)
            self._actions.append(action)

    def remove(self) -> None:
        """Leaves nothing behind."""
        for action in self._actions:
            self._iface.removeCustomActionForLayerType(action)
            action.deleteLater()
        self._actions.clear()

    def _open(self, tool: Tool, *_: Any) -> None:
        open_tool(tool, self._iface.layerTreeView().currentLayer())


def open_tool(tool: Tool, layer: QgsMapLayer | None = None) -> Any:
    """Opens an algorithm's dialog beside QGIS, which stays usable, and returns the dialog.

    Args:
        tool: What to open.
        layer: Is filled in, when it is a raster.
    """
    parameters = {}
    if layer is not None and layer.type() == _RASTER:
        parameters[tool.parameter] = layer.id()
    dialog = processing.createAlgorithmDialog(tool.algorithm, parameters)
    if dialog is not None:
        dialog.show()
        dialog.raise_()
    return dialog

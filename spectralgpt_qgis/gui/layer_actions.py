"""Actions for a raster layer, in the context menu of raster layers and in the Raster menu."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qgis.core import QgsRasterLayer

from ..i18n import tr
from .actions import MenuEntry, make_action
from .chosen_rasters import RASTER, before_and_after, current_raster, selected_rasters
from .plain_text import push_plain

OpenTool = Callable[..., Any]  # ToolDialogs.open
WithLayer = Callable[..., Any]  # called with a raster layer, or without arguments if none is chosen


class LayerActions:
    """Adds the actions to the context menu of raster layers, and removes them again."""

    MENU = "SpectralGPT"

    def __init__(
        self, iface: Any, open_tool: OpenTool, fine_tune: WithLayer, describe: WithLayer
    ) -> None:
        """Adds nothing yet.

        Args:
            iface: QGIS's interface.
            open_tool: Opens the dialog of an algorithm; called with its id, parameters and a note.
            fine_tune: Opens the training dock.
            describe: Opens the window that describes a layer.
        """
        self._iface = iface
        self._open_tool, self._fine_tune, self._describe = open_tool, fine_tune, describe
        self._actions: list[Any] = []

    def add(self) -> None:
        """Adds the entries for every raster layer."""
        for entry in (
            MenuEntry("segment", tr("Classify land cover…"), self.classify_land_cover),
            MenuEntry("classify", tr("Label scenes…"), self.label_scenes),
            MenuEntry("change", tr("Detect change with…"), self.detect_change),
            MenuEntry("finetune", tr("Fine-tune…"), self.fine_tune),
            MenuEntry("spectralgpt", tr("Describe for models…"), self.describe),
        ):
            action = make_action(entry.icon, entry.text, self._iface.mainWindow(), entry.slot)
            self._iface.addCustomActionForLayerType(action, self.MENU, RASTER, True)
            self._actions.append(action)

    def remove(self) -> None:
        """Removes the entries."""
        for action in self._actions:
            self._iface.removeCustomActionForLayerType(action)
            action.deleteLater()
        self._actions.clear()

    def classify_land_cover(self, *_: Any) -> None:
        """Opens the tool for land-cover maps."""
        self._open("spectralgpt:segment", "INPUT")

    def label_scenes(self, *_: Any) -> None:
        """Opens the tool for scenes."""
        self._open("spectralgpt:classify", "INPUT")

    def detect_change(self, *_: Any) -> None:
        """Opens the tool for change, with the two selected rasters in the order of their dates."""
        selected = selected_rasters(self._iface)
        if len(selected) != 2:
            self._open("spectralgpt:detectchange", "BEFORE")
            return
        if not all(self._usable(layer) for layer in selected):
            return
        before, after, known = before_and_after(*selected)
        note = (
            ""
            if known
            else tr(
                "The dates of these layers are not known. '{before}' was assumed to be the earlier one, because it "
                "is above the other in the layer tree. Swap the layers here if this is wrong."
            ).format(before=before.name())
        )
        self._open_tool(
            "spectralgpt:detectchange", {"BEFORE": before.id(), "AFTER": after.id()}, note
        )

    def fine_tune(self, *_: Any) -> None:
        """Opens the training dock."""
        self._with_layer(self._fine_tune)

    def describe(self, *_: Any) -> None:
        """Opens the window that describes the layer."""
        self._with_layer(self._describe)

    def _open(self, algorithm: str, parameter: str) -> None:
        self._with_layer(
            lambda layer=None: self._open_tool(
                algorithm, {parameter: layer.id()} if layer is not None else {}
            )
        )

    def _with_layer(self, act: WithLayer) -> None:
        layer = current_raster(self._iface)
        if layer is None:
            act()
        elif self._usable(layer):
            act(layer)

    def _usable(self, layer: QgsRasterLayer) -> bool:
        """Whether the layer is valid; if not, a message tells the user."""
        if layer.isValid():
            return True
        push_plain(
            self._iface.messageBar(),
            tr(
                "The data source of the layer '{}' cannot be found. Repair it first (right-click, Change Data "
                "Source)."
            ).format(layer.name()),
            title=self.MENU,
        )
        return False

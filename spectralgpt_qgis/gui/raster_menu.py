"""The plugin's submenu in QGIS's Raster menu."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .actions import MenuEntry, make_action


class RasterMenu:
    """Adds entries to Raster > SpectralGPT."""

    NAME = "SpectralGPT"

    def __init__(self, iface: Any, entries: Sequence[MenuEntry]) -> None:
        """Adds nothing yet.

        Args:
            iface: QGIS's interface.
            entries: The entries, in order.
        """
        self._iface = iface
        self._entries = tuple(entries)
        self._actions: list[Any] = []

    def add(self) -> None:
        """Adds the entries."""
        for entry in self._entries:
            action = make_action(entry.icon, entry.text, self._iface.mainWindow(), entry.slot)
            self._iface.addPluginToRasterMenu(self.NAME, action)
            self._actions.append(action)

    def remove(self) -> None:
        """Removes the entries; QGIS removes the submenu with the last one."""
        for action in reversed(self._actions):
            self._iface.removePluginRasterMenu(self.NAME, action)
            action.deleteLater()
        self._actions.clear()

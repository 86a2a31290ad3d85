"""Opens the window about a layer, one for all layers, and takes it away with the plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qgis.core import QgsRasterLayer

if TYPE_CHECKING:
    from .window import DescribeWindow, UseModel


class DescribePart:
    """Holds the window."""

    def __init__(self, iface: Any, use_model: UseModel) -> None:
        """Opens nothing yet.

        Args:
            iface: QGIS's interface.
            use_model: Called with a layer and a model of the engine's answer when the user wants to use it.
        """
        self._iface = iface
        self._use_model = use_model
        self._window: DescribeWindow | None = None

    def add(self) -> None:
        """Nothing is there until it is asked for."""

    def remove(self) -> None:
        """Closes the window; a look at a layer that is going on is given up."""
        if self._window is not None:
            self._window.close()
            self._window.deleteLater()
            self._window = None

    def open(self, layer: QgsRasterLayer | None = None) -> DescribeWindow:
        """Shows the window and returns it.

        Args:
            layer: What to describe; without one the user chooses in the window.
        """
        from .window import DescribeWindow  # when it is wanted: QGIS starts without it

        if self._window is None:
            self._window = DescribeWindow(self._iface.mainWindow(), self._use_model)
        self._window.describe(layer)
        self._window.show()
        self._window.raise_()
        self._window.activateWindow()
        return self._window

"""Opens the window that describes a layer, one for all layers, and closes it with the plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qgis.core import QgsRasterLayer

if TYPE_CHECKING:
    from .window import DescribeWindow, UseModel


class DescribePart:
    """Owns the window."""

    def __init__(self, iface: Any, use_model: UseModel) -> None:
        """Opens nothing yet.

        Args:
            iface: QGIS's interface.
            use_model: Called with the layer and a model from the engine's answer when the user wants to use that model.
        """
        self._iface = iface
        self._use_model = use_model
        self._window: DescribeWindow | None = None

    def add(self) -> None:
        """Does nothing: the window is made when it is opened."""

    def remove(self) -> None:
        """Closes the window and cancels a description that is running."""
        if self._window is not None:
            self._window.close()
            self._window.deleteLater()
            self._window = None

    def open(self, layer: QgsRasterLayer | None = None) -> DescribeWindow:
        """Shows the window and returns it.

        Args:
            layer: The layer to describe; None to let the user choose one in the window.
        """
        from .window import DescribeWindow  # not at the start of QGIS

        if self._window is None:
            self._window = DescribeWindow(self._iface.mainWindow(), self._use_model)
        self._window.describe(layer)
        self._window.show()
        self._window.raise_()
        self._window.activateWindow()
        return self._window

"""A layer combo box that is empty until the user chooses a layer, and again after that layer was removed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from qgis.core import QgsMapLayer, QgsProject
from qgis.gui import QgsMapLayerComboBox
from qgis.PyQt.QtWidgets import QWidget


class LayerList(QgsMapLayerComboBox):
    """A QgsMapLayerComboBox that does not switch to another layer when the chosen one is removed."""

    def __init__(self, filters: Any, nothing: str, parent: QWidget | None = None) -> None:
        """Starts without a layer.

        Args:
            filters: Layer types to list.
            nothing: Text for no layer.
            parent: Parent widget.
        """
        super().__init__(parent)
        self.setFilters(filters)
        self.setAllowEmptyLayer(True, nothing)
        self.setCurrentIndex(0)
        self._chosen = ""  # id
        self.layerChanged.connect(self._note)
        QgsProject.instance().layersWillBeRemoved.connect(self._let_go)

    def setLayer(self, layer: QgsMapLayer | None) -> None:  # noqa: N802
        """Selects a layer, or none."""
        if layer is not None:
            super().setLayer(layer)
        elif self.currentIndex() != 0:
            self.setCurrentIndex(0)
            self.layerChanged.emit(None)  # QGIS emits it only if the user chooses

    def _note(self, layer: QgsMapLayer | None) -> None:
        self._chosen = layer.id() if layer is not None else ""

    def _let_go(self, removed: Iterable[Any]) -> None:
        ids = {item if isinstance(item, str) else item.id() for item in removed}
        if self._chosen in ids:  # QGIS may have selected another layer without a signal
            self.setCurrentIndex(0)
            self.layerChanged.emit(None)

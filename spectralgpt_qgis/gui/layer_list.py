"""A list of the project's layers that stays empty until one is chosen, and is empty again when that one is removed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from qgis.core import QgsMapLayer, QgsProject
from qgis.gui import QgsMapLayerComboBox
from qgis.PyQt.QtWidgets import QWidget


class LayerList(QgsMapLayerComboBox):
    """QGIS's list, which would choose a neighbour when the chosen layer is removed: that is for the user to do."""

    def __init__(self, filters: Any, nothing: str, parent: QWidget | None = None) -> None:
        """Has nothing chosen.

        Args:
            filters: Which layers are listed.
            nothing: What stands there for no layer.
            parent: The panel.
        """
        super().__init__(parent)
        self.setFilters(filters)
        self.setAllowEmptyLayer(True, nothing)
        self.setCurrentIndex(0)
        self._chosen = ""  # id
        self.layerChanged.connect(self._note)
        QgsProject.instance().layersWillBeRemoved.connect(self._let_go)

    def setLayer(self, layer: QgsMapLayer | None) -> None:  # noqa: N802
        """Shows a layer, or the words for none."""
        if layer is not None:
            super().setLayer(layer)
        elif self.currentIndex() != 0:
            self.setCurrentIndex(0)
            self.layerChanged.emit(None)  # which QGIS says of the user's own choice alone

    def _note(self, layer: QgsMapLayer | None) -> None:
        self._chosen = layer.id() if layer is not None else ""

    def _let_go(self, removed: Iterable[Any]) -> None:
        ids = {item if isinstance(item, str) else item.id() for item in removed}
        if self._chosen in ids:  # a neighbour may be shown already, of which nobody was told
            self.setCurrentIndex(0)
            self.layerChanged.emit(None)

"""Drawing labels of one class: new polygons get it, without a form, until drawing ends."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsDefaultValue, QgsEditFormConfig, QgsExpression, QgsVectorLayer
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QObject, pyqtSignal


class Drawing(QObject):
    """Which class is drawn in which layer; what it changes in the layer it puts back."""

    changed = pyqtSignal()

    def __init__(self, iface: Any, parent: QObject | None = None) -> None:
        """Draws nothing yet.

        Args:
            iface: QGIS's interface.
            parent: Owner.
        """
        super().__init__(parent)
        self._iface = iface
        self._layer: QgsVectorLayer | None = None
        self._column = -1
        self._label = ""
        self._before: tuple[Any, Any] | None = None

    @property
    def label(self) -> str:
        """The value, as text, that new features get; empty when nothing is drawn."""
        return self._label

    def start(self, layer: QgsVectorLayer, column: int, value: Any) -> None:
        """Has new features get a class, and hands the mouse to QGIS's tool that adds features.

        Args:
            layer: Labels; editing is switched on.
            column: Index of the class field.
            value: Of the class, as the field holds it.
        """
        if self._layer is not layer or self._column != column:
            self.stop()
            self._layer, self._column = layer, column
            self._before = (layer.defaultValueDefinition(column), layer.editFormConfig().suppress())
            layer.willBeDeleted.connect(self._forget)
            layer.editingStopped.connect(self.stop)
        self._label = str(value)
        layer.setDefaultValueDefinition(column, QgsDefaultValue(QgsExpression.quotedValue(value)))
        self._suppress(QgsEditFormConfig.FeatureFormSuppress.SuppressOn)
        self._iface.setActiveLayer(layer)
        if layer.isEditable() or layer.startEditing():
            self._iface.actionAddFeature().trigger()
        self.changed.emit()

    def stop(self) -> None:
        """Puts the layer back as it was; what was drawn stays."""
        layer, before = self._layer, self._before
        if layer is not None and not sip.isdeleted(layer) and before is not None:
            layer.setDefaultValueDefinition(self._column, before[0])
            self._suppress(before[1])
            layer.willBeDeleted.disconnect(self._forget)
            layer.editingStopped.disconnect(self.stop)
        self._forget()

    def _suppress(self, how: Any) -> None:
        form = self._layer.editFormConfig()
        form.setSuppress(how)
        self._layer.setEditFormConfig(form)

    def _forget(self) -> None:
        was = self._label
        self._layer, self._before, self._column, self._label = None, None, -1, ""
        if was:
            self.changed.emit()

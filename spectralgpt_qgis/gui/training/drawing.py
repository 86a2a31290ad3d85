"""Draws labels of one class: new polygons get that class without a form, until drawing ends."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsDefaultValue,
    QgsEditFormConfig,
    QgsExpression,
    QgsProject,
    QgsVectorLayer,
)
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QObject, QTimer, pyqtSignal


class Drawing(QObject):
    """The class that is drawn and its layer, whose settings are changed for that and restored afterwards."""

    changed = pyqtSignal()

    def __init__(self, iface: Any, parent: QObject | None = None) -> None:
        """Draws nothing yet.

        Args:
            iface: QGIS's interface.
            parent: Parent object.
        """
        super().__init__(parent)
        self._iface = iface
        self._layer: QgsVectorLayer | None = None
        self._column = -1
        self._label = ""
        self._value: Any = None
        self._before: tuple[Any, Any] | None = None
        self._lent = False  # whether the settings are restored while the project is being written

    @property
    def label(self) -> str:
        """The class value, as text, of new features; empty while not drawing."""
        return self._label

    def start(self, layer: QgsVectorLayer, column: int, value: Any) -> None:
        """Gives new features a class, and activates QGIS's tool to add features.

        Args:
            layer: Labels, in edit mode.
            column: Index of the class field.
            value: Value of the class, in the type of the field.
        """
        if self._layer is not layer or self._column != column:
            self.stop()
            self._layer, self._column = layer, column
            self._before = (layer.defaultValueDefinition(column), layer.editFormConfig().suppress())
            layer.willBeDeleted.connect(self._forget)
            layer.editingStopped.connect(self.stop)
            QgsProject.instance().writeProject.connect(self._lend)
            QgsProject.instance().projectSaved.connect(self._take)
        self._label, self._value = str(value), value
        self._prepare()
        self._iface.setActiveLayer(layer)
        if layer.isEditable() or layer.startEditing():
            self._iface.actionAddFeature().trigger()
        self.changed.emit()

    def stop(self) -> None:
        """Ends drawing and restores the layer's settings; drawn labels are kept."""
        layer = self._layer
        if layer is not None and not sip.isdeleted(layer):
            self._put_back()
            layer.willBeDeleted.disconnect(self._forget)
            layer.editingStopped.disconnect(self.stop)
        self._forget()

    def _prepare(self) -> None:
        default = QgsDefaultValue(QgsExpression.quotedValue(self._value))
        self._layer.setDefaultValueDefinition(self._column, default)
        self._suppress(QgsEditFormConfig.FeatureFormSuppress.SuppressOn)

    def _put_back(self) -> None:
        if self._before is not None:
            self._layer.setDefaultValueDefinition(self._column, self._before[0])
            self._suppress(self._before[1])

    def _lend(self, *_: Any) -> None:
        """Restores the settings while the project is written, so that it does not store those for drawing."""
        self._put_back()
        self._lent = True
        QTimer.singleShot(0, self._take)  # no signal tells that writing failed

    def _take(self) -> None:
        if self._lent and self._layer is not None:
            project = QgsProject.instance()
            changed = project.isDirty()
            self._prepare()
            project.setDirty(changed)
        self._lent = False

    def _suppress(self, how: Any) -> None:
        form = self._layer.editFormConfig()
        form.setSuppress(how)
        self._layer.setEditFormConfig(form)

    def _forget(self) -> None:
        was = self._label
        if self._layer is not None:
            QgsProject.instance().writeProject.disconnect(self._lend)
            QgsProject.instance().projectSaved.disconnect(self._take)
        self._layer, self._before, self._column, self._label = None, None, -1, ""
        self._lent = False
        if was:
            self.changed.emit()

"""A field widget for Processing dialogs whose parent layer may also be a raster, which has no fields.

QGIS's own widget cannot be used: in QGIS 3.22 it crashes as soon as its parent layer is a raster.
"""

from __future__ import annotations

from typing import Any

from processing.gui.wrappers import DIALOG_MODELER, DIALOG_STANDARD
from qgis.core import (
    QgsFieldProxyModel,
    QgsProcessingContext,
    QgsProcessingFeatureSourceDefinition,
    QgsProcessingOutputString,
    QgsProcessingParameterField,
    QgsProcessingParameterString,
    QgsProcessingUtils,
    QgsProject,
    QgsProperty,
    QgsVectorLayer,
)
from qgis.gui import QgsFieldComboBox
from qgis.PyQt.QtWidgets import QComboBox, QLabel, QWidget

from ..class_field import likely_field
from .parameter_widget import ParameterWidgetWrapper


class FieldWidgetWrapper(ParameterWidgetWrapper):
    """A list of the layer's fields; in the batch dialog and the model designer a name can be typed."""

    def createWidget(self, **options: Any) -> QWidget:  # noqa: N802
        """Makes the list, which is empty until the label layer is known."""
        self._wanted = ""
        self._layer: QgsVectorLayer | None = None
        if self.dialogType != DIALOG_STANDARD:
            return self._make_editable_list()
        fields = QgsFieldComboBox()
        fields.setAllowEmptyFieldName(True)
        kinds = QgsFieldProxyModel.Filter
        fields.setFilters(kinds.String | kinds.Int | kinds.LongLong)
        fields.fieldChanged.connect(lambda *_: self.widgetValueHasChanged.emit(self))
        fields.activated.connect(self._remember)
        return fields

    def createLabel(self) -> Any:  # noqa: N802
        """Makes the label, without "[optional]": the description itself says when the field is not needed."""
        label = super().createLabel()
        if isinstance(label, QLabel):
            label.setText(self.parameterDefinition().description())
        return label

    def postInitialize(self, wrappers: Any) -> None:  # noqa: N802
        """Connects the widget to that of the label layer."""
        super().postInitialize(wrappers)
        if self.dialogType != DIALOG_STANDARD:
            return
        parent = self.parameterDefinition().parentLayerParameterName()
        for wrapper in wrappers:
            if wrapper.parameterDefinition().name() == parent:
                wrapper.widgetValueHasChanged.connect(self._follow)
                self._follow(wrapper)

    def setValue(self, value: Any) -> None:  # noqa: N802
        """Selects a field; if the layer does not have it yet, as soon as a layer that has it is chosen."""
        if value is None:
            return
        if self.dialogType == DIALOG_STANDARD:
            self._wanted = str(value)
            self.widget.setField(self._wanted)
        else:
            self.setComboValue(value)

    def value(self) -> Any:
        """The name of the field, or its source in a graphical model; None for none."""
        if self.dialogType == DIALOG_STANDARD:
            return self.widget.currentField() or None
        return self.comboValue() or None

    def _make_editable_list(self) -> QComboBox:
        names = QComboBox()
        names.setEditable(True)
        if self.dialogType == DIALOG_MODELER:
            names.addItem("", None)
            for source in self.dialog.getAvailableValuesOfType(
                [QgsProcessingParameterField, QgsProcessingParameterString],
                [QgsProcessingOutputString],
            ):
                names.addItem(self.dialog.resolveValueDescription(source), source)
        names.setCurrentIndex(-1)
        names.editTextChanged.connect(lambda *_: self.widgetValueHasChanged.emit(self))
        return names

    def _remember(self, *_: Any) -> None:
        self._wanted = self.widget.currentField()

    def _follow(self, wrapper: Any) -> None:
        """Lists the fields of the chosen layer, none for a raster, and preselects the most likely one."""
        before, self._layer = self._layer, _vector_layer(wrapper.parameterValue())
        if self._layer is before:
            return  # keep the user's choice, which may be empty
        self.widget.setLayer(self._layer)  # the list keeps no reference, `_layer` does
        has_wanted = self._layer is None or self._layer.fields().lookupField(self._wanted) >= 0
        self.widget.setField(self._wanted if has_wanted else likely_field(self._layer))


def _vector_layer(value: Any) -> QgsVectorLayer | None:
    """The layer of a parameter's value; None if it is not a vector layer."""
    if isinstance(value, QgsProcessingFeatureSourceDefinition):
        value = value.source
    if isinstance(value, QgsProperty):
        value = value.staticValue()
    layer = value
    if isinstance(value, str):
        context = QgsProcessingContext()
        context.setProject(QgsProject.instance())
        layer = QgsProcessingUtils.mapLayerFromString(value, context) if value else None
        if layer is not None:  # a layer from a file would be deleted with the context
            layer = context.takeResultLayer(layer.id()) or layer
    return layer if isinstance(layer, QgsVectorLayer) and layer.isValid() else None

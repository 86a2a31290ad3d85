"""A check box for Processing dialogs, without the label "[optional]": ticked or not, it always has a value."""

from __future__ import annotations

from typing import Any

from processing.gui.wrappers import DIALOG_MODELER, DIALOG_STANDARD, dialogTypes
from qgis.core import QgsProcessingParameterDefinition
from qgis.gui import QgsGui


class CheckBoxWrapper:
    """Creates QGIS's own widget."""

    def __new__(cls, param: Any, dialog: Any, *place: int, **options: Any) -> Any:
        """Called by Processing with the parameter, the dialog, and row and column of a batch table."""
        registry = QgsGui.processingGuiRegistry()
        kind = dialogTypes.get(type(dialog).__name__, DIALOG_STANDARD)
        if kind == DIALOG_MODELER:
            wrapper = registry.createModelerParameterWidget(
                dialog.model, dialog.childId, param, dialog.context
            )
        else:
            definition = _mandatory(param)
            wrapper = registry.createParameterWidgetWrapper(definition, kind)
            wrapper.definition = definition  # a reference, as the widget keeps none
        wrapper.setDialog(dialog)
        return wrapper


def _mandatory(param: QgsProcessingParameterDefinition) -> QgsProcessingParameterDefinition:
    definition = param.clone()
    optional = QgsProcessingParameterDefinition.Flag.FlagOptional
    definition.setFlags(definition.flags() & ~optional)  # type: ignore[operator]
    return definition

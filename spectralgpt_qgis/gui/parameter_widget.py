"""Base of the plugin's widgets for Processing dialogs."""

from __future__ import annotations

from typing import Any

from processing.gui.wrappers import WidgetWrapper
from qgis.core import QgsProcessingParameterDefinition
from qgis.PyQt.QtWidgets import QLabel

from ..i18n import tr


class ParameterWidgetWrapper(WidgetWrapper):
    """Processing's wrapper with a translated label: QGIS looks that up by class name, which fails for subclasses."""

    def createLabel(self) -> Any:  # noqa: N802
        """Makes the label; None where there is none, as in the batch dialog."""
        label = super().createLabel()
        definition = self.parameterDefinition()
        if (
            isinstance(label, QLabel)
            and definition.flags() & QgsProcessingParameterDefinition.Flag.FlagOptional
        ):
            label.setText(tr("{} [optional]").format(definition.description()))
        return label

"""What our own widgets in Processing dialogs have in common."""

from __future__ import annotations

from typing import Any

from processing.gui.wrappers import WidgetWrapper
from qgis.core import QgsProcessingParameterDefinition
from qgis.PyQt.QtWidgets import QLabel

from ..i18n import tr


class ParameterWidgetWrapper(WidgetWrapper):
    """Processing's own, but its label is translated: QGIS looks the words up by the name of the class, here in vain."""

    def createLabel(self) -> Any:  # noqa: N802
        """Makes the label; None where there is none, as in a batch."""
        label = super().createLabel()
        definition = self.parameterDefinition()
        if (
            isinstance(label, QLabel)
            and definition.flags() & QgsProcessingParameterDefinition.Flag.FlagOptional
        ):
            label.setText(tr("{} [optional]").format(definition.description()))
        return label

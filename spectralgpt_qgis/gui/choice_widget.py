"""A combo box for Processing dialogs that translates a parameter's options, but keeps their values for scripts.

QGIS's own widget for static strings shows the values themselves, so this module makes a combo box with the value as
data of each item. In the model designer it keeps QGIS's widget, which offers other sources, and only relabels its list.
"""

from __future__ import annotations

from typing import Any

from processing.gui.wrappers import DIALOG_MODELER, dialogTypes
from qgis.gui import QgsGui
from qgis.PyQt.QtWidgets import QComboBox, QWidget

from ..choice_words import shown
from .parameter_widget import ParameterWidgetWrapper


class ChoiceWidgetWrapper(ParameterWidgetWrapper):
    """A combo box with a parameter's options."""

    def __new__(cls, param: Any, dialog: Any, *place: int, **options: Any) -> Any:
        """Called by Processing with the parameter, the dialog, and row and column of a batch table."""
        if dialogTypes.get(type(dialog).__name__) != DIALOG_MODELER:
            return super().__new__(cls, param, dialog, *place)
        widget = QgsGui.processingGuiRegistry().createModelerParameterWidget(
            dialog.model, dialog.childId, param, dialog.context
        )
        widget.setDialog(dialog)
        for box in widget.findChildren(QComboBox):
            _label(box, param.options())
        return widget

    def createWidget(self, **options: Any) -> QWidget:  # noqa: N802
        """Makes the combo box."""
        box = QComboBox()
        for word in self.parameterDefinition().options():
            box.addItem(word, word)
        _label(box, self.parameterDefinition().options())
        box.setToolTip(self.parameterDefinition().help())
        box.currentIndexChanged.connect(lambda *_: self.widgetValueHasChanged.emit(self))
        return box

    def setValue(self, value: Any) -> None:  # noqa: N802
        """Selects an option; does nothing if it is not in the list."""
        index = self.widget.findData(value)
        if index >= 0:
            self.widget.setCurrentIndex(index)

    def value(self) -> Any:
        """The selected option."""
        return self.widget.currentData()


def _label(box: QComboBox, words: list[str]) -> None:
    """Translates the items of a combo box, if it lists exactly these options."""
    if [box.itemText(index) for index in range(box.count())] == list(words):
        for index, word in enumerate(words):
            box.setItemText(index, shown(word))

"""Words to choose from in Processing dialogs: shown in the user's language, given to scripts as they are.

QGIS shows the very texts that are the values. So the list is made here, with the value behind each text; in the
designer of models QGIS's own widget is kept, for the sources that it offers, and its list is labelled.
"""

from __future__ import annotations

from typing import Any

from processing.gui.wrappers import DIALOG_MODELER, dialogTypes
from qgis.gui import QgsGui
from qgis.PyQt.QtWidgets import QComboBox, QWidget

from ..choice_words import shown
from .parameter_widget import ParameterWidgetWrapper


class ChoiceWidgetWrapper(ParameterWidgetWrapper):
    """A list of the words of a parameter."""

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
        """Makes the list."""
        box = QComboBox()
        for word in self.parameterDefinition().options():
            box.addItem(word, word)
        _label(box, self.parameterDefinition().options())
        box.setToolTip(self.parameterDefinition().help())
        box.currentIndexChanged.connect(lambda *_: self.widgetValueHasChanged.emit(self))
        return box

    def setValue(self, value: Any) -> None:  # noqa: N802
        """Shows a word; one that is not in the list changes nothing."""
        index = self.widget.findData(value)
        if index >= 0:
            self.widget.setCurrentIndex(index)

    def value(self) -> Any:
        """The word."""
        return self.widget.currentData()


def _label(box: QComboBox, words: list[str]) -> None:
    """Labels a list of these words; any other list stays."""
    if [box.itemText(index) for index in range(box.count())] == list(words):
        for index, word in enumerate(words):
            box.setItemText(index, shown(word))

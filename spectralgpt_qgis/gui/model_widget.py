"""Model parameters in Processing dialogs: the installed models of the right kind, or a file."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from processing.gui.wrappers import (
    DIALOG_MODELER,
    InvalidParameterValue,
    WidgetWrapper,
)
from qgis.core import (
    QgsProcessingOutputFile,
    QgsProcessingOutputString,
    QgsProcessingParameterFile,
    QgsProcessingParameterString,
)
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from ..i18n import tr
from ..model_catalogue import InstalledModel, models_for, models_to_train, reference


class ModelWidgetWrapper(WidgetWrapper):
    """An editable list of models and a button to look for a file."""

    def __init__(
        self,
        param: Any,
        dialog: Any,
        row: int = 0,
        col: int = 0,
        task: str = "",
        training: bool = False,
        words: Sequence[str] = (),
        **options: Any,
    ) -> None:
        """Called by Processing.

        Args:
            param: The parameter.
            dialog: The dialog the widget is for.
            row: Of a batch table.
            col: Of a batch table.
            task: Lists models for this task; this and the next two come from the parameter's metadata.
            training: Lists models to train from, not those that predict.
            words: What else may be given, such as sizes to start fresh with.
            options: What other versions of Processing may add.
        """
        self._task, self._training, self._words = task, training, words
        super().__init__(param, dialog, row, col)

    def createWidget(self, **options: Any) -> QWidget:  # noqa: N802
        """Makes the list and the button."""
        self._list = QComboBox()
        self._list.setEditable(True)
        self._list.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._list.setMinimumContentsLength(16)
        if self.dialogType == DIALOG_MODELER:
            self._add_model_sources()
        models = models_to_train(self._task) if self._training else models_for(self._task)
        for model in models:
            self._list.addItem(_label(model), reference(model) if self._training else model.name)
            self._list.setItemData(
                self._list.count() - 1, describe(model), Qt.ItemDataRole.ToolTipRole
            )
        for word in self._words:
            self._list.addItem(tr("Start fresh: {}").format(word), word)
        self._list.setCurrentIndex(-1)
        self._list.lineEdit().setPlaceholderText(tr("Installed model or path of a model file"))
        self._list.currentIndexChanged.connect(self._show_tip)
        self._list.editTextChanged.connect(lambda _: self.widgetValueHasChanged.emit(self))
        browse = QToolButton()
        browse.setText("…")
        browse.setToolTip(tr("Choose a model file"))
        browse.clicked.connect(self._browse)
        widget = QWidget()
        layout = QHBoxLayout(widget)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._list)
        layout.addWidget(browse)
        return widget

    def setValue(self, value: Any) -> None:  # noqa: N802
        """Shows a value: a name, a path, or a source inside a graphical model."""
        if value is None:
            return
        self.setComboValue(value, combobox=self._list)
        self._list.lineEdit().setCursorPosition(0)  # a narrow cell shows how the name begins
        self._show_tip()

    def value(self) -> Any:
        """The name, the path, or the source inside a graphical model."""

        def given(text: str) -> bool:
            return bool(text)

        try:
            return self.comboValue(given, combobox=self._list)
        except InvalidParameterValue:
            if self.dialogType == DIALOG_MODELER:
                raise
            return ""

    def _add_model_sources(self) -> None:
        """Inside a graphical model the name may come from an input or from another step."""
        for source in self.dialog.getAvailableValuesOfType(
            [QgsProcessingParameterString, QgsProcessingParameterFile],
            [QgsProcessingOutputString, QgsProcessingOutputFile],
        ):
            self._list.addItem(self.dialog.resolveValueDescription(source), source)

    def _show_tip(self, *_: Any) -> None:
        index = self._list.currentIndex()
        tip = self._list.itemData(index, Qt.ItemDataRole.ToolTipRole) if index >= 0 else None
        self._list.setToolTip(tip or self.parameterDefinition().help())

    def _browse(self) -> None:
        path, _ = QFileDialog.getOpenFileName(
            self.widget,
            tr("Choose a model file"),
            "",
            tr("Models to train from (*.safetensors)")
            if self._training
            else tr("SpectralGPT models (*.onnx)"),
        )
        if path:
            self._list.setEditText(path)


def describe(model: InstalledModel) -> str:
    """A model in a few lines of HTML: what for, which bands, which classes."""
    classes = " ".join(
        f'<span style="color:{color}">■</span> {escape(title)}' for title, color in model.classes
    )
    lines = [
        f"<b>{escape(model.title)}</b> ({escape(model.name)})",
        escape(model.description),
        tr("Bands, in this order: {}").format(escape(", ".join(model.bands))),
        tr("Pixel size it learned at: {:g} m").format(model.pixel_metres),
        tr("Classes: {}").format(classes) if classes else "",
        tr("Licence: {}").format(escape(model.licence)) if model.licence else "",
    ]
    return "<br>".join(line for line in lines if line)


def _label(model: InstalledModel) -> str:
    return model.name if model.title == model.name else f"{model.title} ({model.name})"

"""Widget of model parameters in Processing dialogs: lists installed models of the right kind, and accepts a file.

The models are listed in a task. In a dialog with a raster, they are sorted by how well they fit that raster.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from processing.gui.wrappers import (
    DIALOG_BATCH,
    DIALOG_MODELER,
    InvalidParameterValue,
)
from qgis.core import (
    QgsProcessingOutputFile,
    QgsProcessingOutputString,
    QgsProcessingParameterFile,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterString,
)
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import QFileDialog, QHBoxLayout, QToolButton, QWidget

from .. import model_catalogue
from ..i18n import tr
from ..installed_model import InstalledModel
from .estimate_button import offer_estimate
from .models.combo import ModelCombo
from .models.query import ModelQuery, question_of
from .parameter_widget import ParameterWidgetWrapper


class ModelWidgetWrapper(ParameterWidgetWrapper):
    """An editable combo box of models, and a button to browse for a file."""

    def __init__(
        self,
        param: Any,
        dialog: Any,
        row: int = 0,
        col: int = 0,
        task: str = "",
        training: bool = False,
        every: bool = False,
        words: Sequence[str] = (),
        estimates: bool = False,
        **options: Any,
    ) -> None:
        """Called by Processing.

        Args:
            param: The parameter.
            dialog: The dialog that the widget is for.
            row: Row of a batch table.
            col: Column of a batch table.
            task: Lists models for this task; this and the next four come from the parameter's metadata.
            training: Lists models to train from instead of models that predict.
            every: Lists all models.
            words: Further values, such as sizes of untrained models.
            estimates: Adds a button to the dialog that estimates a run.
            options: Further arguments of other versions of Processing.
        """
        self._task, self._training, self._every, self._words = task, training, every, words
        self._comparison: dict[str, dict[str, Any]] = {}
        self._raster: Any = None
        self._estimates, self._panel = estimates, None
        super().__init__(param, dialog, row, col)

    def createWidget(self, **options: Any) -> QWidget:  # noqa: N802
        """Makes the combo box and the button."""
        widget = QWidget()
        self._list = ModelCombo(self._endings())
        self._list.lineEdit().setPlaceholderText(tr("Installed model, or path of a model file"))
        self._query = ModelQuery(widget)
        self._query.listed.connect(self._fill)
        self._query.compared.connect(self._mark)
        self._fill()
        self._list.setCurrentIndex(-1)
        self._list.currentIndexChanged.connect(self._show_tip)
        self._list.editTextChanged.connect(lambda _: self.widgetValueHasChanged.emit(self))
        self._query.list_models()
        browse = QToolButton()
        browse.setText("…")
        browse.setToolTip(tr("Choose a model file"))
        browse.clicked.connect(self._browse)
        layout = QHBoxLayout(widget)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._list)
        layout.addWidget(browse)
        widget.setFocusProxy(self._list)
        return widget

    def postInitialize(self, wrappers: Any) -> None:  # noqa: N802
        """Follows the dialog's raster; not in a batch, whose rasters are too many to compare with the models."""
        super().postInitialize(wrappers)
        if self.dialogType in (DIALOG_BATCH, DIALOG_MODELER):
            return
        if self._estimates and self._panel is not None:
            name = self.parameterDefinition().algorithm().name()
            offer_estimate(f"spectralgpt:{name}", self._panel, self.dialog)
        for wrapper in wrappers:
            definition = wrapper.parameterDefinition()
            if isinstance(
                definition,
                (QgsProcessingParameterRasterLayer, QgsProcessingParameterMultipleLayers),
            ):
                self._raster = wrapper
                wrapper.widgetValueHasChanged.connect(self._raster_changed)
                self._raster_changed()
                return

    def registerProcessingParametersGenerator(self, generator: Any) -> None:  # noqa: N802
        """Keeps the object that returns the values of all parameters."""
        super().registerProcessingParametersGenerator(generator)
        self._panel = generator

    def setValue(self, value: Any) -> None:  # noqa: N802
        """Shows a value: a name, a path, or a source in a graphical model."""
        if value is None:
            return
        value = self._listed_value(value)
        self.setComboValue(value, combobox=self._list)
        self._list.lineEdit().setCursorPosition(0)  # narrow cells show where the name begins
        self._show_tip()

    def value(self) -> Any:
        """The name, the path, or the source in a graphical model."""

        def given(text: str) -> bool:
            return bool(text)

        try:
            return self.comboValue(given, combobox=self._list)
        except InvalidParameterValue:
            if self.dialogType == DIALOG_MODELER:
                raise
            return ""

    @property
    def busy(self) -> bool:
        """Whether the models are being listed or compared with the raster."""
        return self._query.busy

    # -- the list --------------------------------------------------------------------------------

    def _fill(self, *_: Any) -> None:
        """Lists the models that are known now, without changing the value."""
        text = self._list.currentText()
        listed = self._list.findText(text)
        chosen = self._list.itemData(listed) if listed >= 0 else self._listed_value(text)
        blocked = self._list.blockSignals(True)
        self._list.clear()
        if self.dialogType == DIALOG_MODELER:
            self._add_model_sources()
        self._list.add_models(self._models(), self._value_of, self._comparison)
        for word in self._words:
            self._list.addItem(tr("Start from random weights: {}").format(word), word)
        values = [self._list.itemData(index) for index in range(self._list.count())]
        if text and chosen in values:
            self._list.setCurrentIndex(values.index(chosen))
        else:
            self._list.setCurrentIndex(-1)
            self._list.setEditText(text)
        self._list.lineEdit().setCursorPosition(0)
        self._list.blockSignals(blocked)
        self._show_tip()

    def _models(self) -> list[InstalledModel]:
        known = model_catalogue.known_models()
        if self._every:
            return list(known)
        if not self._training:
            return [model for model in known if model.task == self._task and model.can_predict]
        found = [m for m in known if not m.can_predict and self._task in ("", m.task)]
        return sorted(found, key=lambda model: model.task != "backbone")

    def _value_of(self, model: InstalledModel) -> str:
        return model_catalogue.reference(model) if self._training or self._every else model.name

    def _listed_value(self, value: Any) -> Any:
        """The listed name of a model that is given by its path; else the value itself."""
        models = self._models()
        names = [self._value_of(model) for model in models]
        for model, name in zip(models, names):
            if value == model.path and names.count(name) == 1:
                return name
        return value

    def _add_model_sources(self) -> None:
        """Lists the inputs and steps of a graphical model from which the model may come."""
        for source in self.dialog.getAvailableValuesOfType(
            [QgsProcessingParameterString, QgsProcessingParameterFile],
            [QgsProcessingOutputString, QgsProcessingOutputFile],
        ):
            self._list.addItem(self.dialog.resolveValueDescription(source), source)

    # -- the raster ------------------------------------------------------------------------------

    def _raster_changed(self, *_: Any) -> None:
        self._query.compare(question_of(self._raster.parameterValue()))

    def _mark(self, comparison: dict[str, dict[str, Any]]) -> None:
        if comparison or self._comparison:
            self._comparison = comparison
            self._fill()

    def _show_tip(self, *_: Any) -> None:
        index = self._list.currentIndex()
        tip = self._list.itemData(index, Qt.ItemDataRole.ToolTipRole) if index >= 0 else None
        self._list.setToolTip(tip or self.parameterDefinition().help())

    # -- a file ----------------------------------------------------------------------------------

    def _endings(self) -> tuple[str, ...]:
        if self._every:
            return (".onnx", ".safetensors")
        return (".safetensors",) if self._training else (".onnx",)

    def _browse(self) -> None:
        pattern = " ".join(f"*{ending}" for ending in self._endings())
        path, _ = QFileDialog.getOpenFileName(
            self.widget,
            tr("Choose a model file"),
            "",
            (
                tr("Models to train from ({})") if self._training else tr("SpectralGPT models ({})")
            ).format(pattern),
        )
        if path:
            self._list.setEditText(path)

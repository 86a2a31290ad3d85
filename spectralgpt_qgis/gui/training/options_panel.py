"""The panel for the options of a training: use and name of the model, and under Advanced the base model and method."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qgis.gui import QgsCollapsibleGroupBox
from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSizePolicy,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from ... import model_catalogue
from ...i18n import tr
from ...installed_model import InstalledModel
from ..models.combo import ModelCombo
from ..models.query import ModelQuery
from ..plain_text import plain_label
from .raster_describer import Description
from .training_setup import DEFAULT_OPTIONS, NAME, TrainingOptions

_TASKS = {
    "segmentation": "segmentation",
    "scenes": "scene-classification",
    "change": "change-detection",
}


class OptionsPanel(QWidget):
    """The options of a training; rarely changed ones are in a collapsed section."""

    changed = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        """Shows the defaults, and starts to list the models.

        Args:
            parent: The dock.
        """
        super().__init__(parent)
        self._task = "segmentation"
        self._known = model_catalogue.is_complete()
        self._fits: dict[str, dict[str, Any]] = {}
        self._wanted = DEFAULT_OPTIONS.base
        self._query = ModelQuery(self)
        self._query.listed.connect(self._on_models)
        self._query.failed.connect(self._on_models)
        self._build()
        self._show_models()

    # -- what is chosen --------------------------------------------------------------------------

    def options(self) -> TrainingOptions:
        """The options as shown."""
        return TrainingOptions(
            self._wanted,
            str(self._method.currentData()),
            str(self._use.currentData()),
            self._rounds.value(),
            self._name.text().strip(),
            str(self._device.currentData()),
            self._validation.value(),
            self._seed.value(),
            self._bands.text().strip(),
        )

    def set_options(self, options: TrainingOptions) -> None:
        """Shows other options."""
        self._wanted = options.base
        for box, word in (
            (self._method, options.method),
            (self._use, options.use),
            (self._device, options.device),
        ):
            box.setCurrentIndex(max(0, box.findData(word)))
        self._rounds.setValue(options.rounds)
        self._name.setText(options.name)
        self._validation.setValue(options.validation)
        self._seed.setValue(options.seed)
        self._bands.setText(options.bands)
        self._show_models()

    def set_base(self, path: str) -> None:
        """Selects the base model.

        Args:
            path: Path of a model to train from.
        """
        known = next(
            (m for m in model_catalogue.known_models() if Path(m.path) == Path(path)), None
        )
        self._wanted = path if known is None else model_catalogue.reference(known)
        self._show_models()
        self.changed.emit()

    @property
    def base_path(self) -> str:
        """Path of the base model; empty while it is not known."""
        for model in self._models():
            if self._wanted in (model_catalogue.reference(model), model.name):
                return model.path
        return self._wanted if Path(self._wanted).suffix else ""

    @property
    def base_title(self) -> str:
        """Title of the base model; empty if none is chosen."""
        path = self.base_path
        titles = (model.title for model in self._models() if model.path == path)
        return next(titles, Path(self._wanted).stem)

    def problem(self) -> str:
        """Why training cannot start with these options; empty if it can."""
        if not self._known:
            return tr("Looking for models to start from…")
        return "" if self._wanted else tr("Choose the model to start from, under Advanced.")

    # -- what comes from outside -----------------------------------------------------------------

    def show_task(self, task: str) -> None:
        """Lists the models that can learn a task.

        Args:
            task: The task, as an option of the algorithm.
        """
        if task != self._task:
            listed = [model_catalogue.reference(model) for model in self._models()]
            self._task = task
            still = [model_catalogue.reference(model) for model in self._models()]
            if self._wanted in listed and self._wanted not in still:
                self._wanted = DEFAULT_OPTIONS.base
            self._show_models()

    def show_fits(self, description: Description | None) -> None:
        """Marks the models by how well they fit the raster.

        Args:
            description: The engine's description of the raster; None while it is not known.
        """
        fits = description.models if description is not None else {}
        if fits != self._fits:
            self._fits = fits
            self._show_models()

    def show_plan(self, does: str, takes: str) -> None:
        """Shows what the training will do.

        Args:
            does: Sentence about what happens to the base model; empty if not known.
            takes: Sentence about the expected time.
        """
        self._plan.setText(does)
        self._plan.setVisible(bool(does))
        self._time.setText(takes)

    def look_for_models(self) -> None:
        """Lists the models again, in the background."""
        if not self._query.list_models():
            self._on_models()

    def stop(self) -> None:
        """Stops listing models."""
        self._query.stop()

    def _on_models(self, *_: Any) -> None:
        self._known = True
        self._name.setPlaceholderText(model_catalogue.free_model_file(NAME, ".onnx").stem)
        self._show_models()
        self.changed.emit()

    def _models(self) -> list[InstalledModel]:
        """The models that can learn the task, backbones first."""
        found = [
            model
            for model in model_catalogue.known_models()
            if not model.can_predict and model.task in ("backbone", _TASKS[self._task])
        ]
        return sorted(found, key=lambda model: model.task != "backbone")

    def _show_models(self) -> None:
        blocked = self._base.blockSignals(True)
        self._base.clear()
        self._base.add_models(self._models(), model_catalogue.reference, self._fits)
        index = self._base.findData(self._wanted)
        self._base.setCurrentIndex(index)
        if index < 0:
            self._base.setEditText(self._wanted)
        self._base.lineEdit().setCursorPosition(0)
        self._base.blockSignals(blocked)
        self._show_tip()

    def _on_base(self, *_: Any) -> None:
        text = self._base.currentText().strip()
        index = self._base.findText(text)
        self._wanted = str(self._base.itemData(index)) if index >= 0 else text
        self._show_tip()
        self.changed.emit()

    def _show_tip(self) -> None:
        tip = self._base.currentData(Qt.ItemDataRole.ToolTipRole)
        self._base.setToolTip(str(tip or self._wanted))

    def _browse(self, *_: Any) -> None:
        path, _ = QFileDialog.getOpenFileName(
            self, tr("Choose a model file"), "", tr("Models to train from (*.safetensors)")
        )
        if path:
            self.set_base(path)

    # -- the parts -------------------------------------------------------------------------------

    def _build(self) -> None:
        self._use = _choice(
            ("anywhere", tr("Any imagery"), tr("Robust to other dates, light and haze.")),
            ("here", tr("These rasters"), tr("Slightly better here, but may fail elsewhere.")),
        )
        self._name = QLineEdit()
        self._name.setPlaceholderText(NAME)
        self._name.setMaxLength(60)
        self._plan, self._time = plain_label(), plain_label()
        form = QFormLayout()
        _add_row(form, tr("To be &used on"), self._use)
        _add_row(form, tr("&Name of the model"), self._name)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(form)
        for text in (self._plan, self._time):
            text.setWordWrap(True)
            layout.addWidget(text)
        layout.addWidget(self._make_advanced())
        for box in (self._method, self._use, self._device):
            box.currentIndexChanged.connect(self._tell)
        for number in (self._rounds, self._validation, self._seed):
            number.valueChanged.connect(self._tell)
        for line in (self._name, self._bands):
            line.textChanged.connect(self._tell)

    def _make_advanced(self) -> QWidget:
        self._make_learning()
        self._make_circumstances()
        group = self._advanced = QgsCollapsibleGroupBox(tr("Advanced"))
        group.setCollapsed(True)
        group.setSaveCollapsedState(False)
        form = QFormLayout(group)
        label = QLabel(tr("&Base model"))
        label.setBuddy(self._base)
        form.addRow(label)  # above the list, which would be too narrow for names beside it
        form.addRow(self._make_base_row())
        for text, widget in (
            (tr("Method"), self._method),
            (tr("Epochs"), self._rounds),
            (tr("Dev&ice"), self._device),
            (tr("Labels held bac&k"), self._validation),
            (tr("Seed"), self._seed),
            (tr("B&and numbers"), self._bands),
        ):
            _add_row(form, text, widget)
        return group

    def _make_base_row(self) -> QHBoxLayout:
        browse = QToolButton()
        browse.setText("…")
        browse.setToolTip(tr("Choose a model file"))
        browse.clicked.connect(self._browse)
        row = QHBoxLayout()
        row.addWidget(self._base, 1)
        row.addWidget(browse)
        return row

    def _make_learning(self) -> None:
        """Makes the widgets for base model, method and rounds."""
        self._base = ModelCombo((".safetensors",))
        self._base.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._base.lineEdit().setPlaceholderText(tr("Installed model, or path of a model file"))
        self._base.editTextChanged.connect(self._on_base)
        self._method = _choice(
            ("auto", tr("Automatic"), tr("Decided by the number of labels and the computer.")),
            (
                "quick",
                tr("Backbone unchanged (quick)"),
                tr("Trains only a last layer: takes seconds and suits few labels."),
            ),
            (
                "adapters",
                tr("Part of the model (adapters)"),
                tr("Changes a small part of the model's weights: takes minutes."),
            ),
            (
                "full",
                tr("Whole model (full)"),
                tr("Changes all weights: needs many labels and a GPU."),
            ),
        )
        self._method.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._rounds = _number(0, 10000)
        self._rounds.setSpecialValueText(tr("Automatic"))
        self._rounds.setToolTip(tr("How many times the training passes through the labels."))

    def _make_circumstances(self) -> None:
        """Makes the widgets for device, validation and bands."""
        self._device = _choice(
            ("auto", tr("Automatic"), tr("The GPU if it works, otherwise the processor.")),
            ("cpu", tr("Processor"), ""),
            ("gpu", tr("GPU"), ""),
        )
        self._validation = _number(0, 50)
        self._validation.setSuffix(" %")
        self._validation.setValue(TrainingOptions.validation)
        self._validation.setToolTip(
            tr(
                "Whole groups of neighbouring labels, so that accuracy is measured on areas that the model has not "
                "seen. With 0, it is not measured."
            )
        )
        self._seed = _number(0, 2**31 - 1)
        self._seed.setToolTip(
            tr(
                "The same seed always gives the same result. Try other seeds to see how much results vary."
            )
        )
        self._bands = QLineEdit()
        self._bands.setPlaceholderText(tr("matched automatically"))
        self._bands.setToolTip(
            tr("One raster band for each band of the base model, in its order, such as 2,3,4,8.")
        )

    def _tell(self, *_: Any) -> None:
        self.changed.emit()


def _choice(*items: tuple[str, str, str]) -> QComboBox:
    """A combo box of options, each with the algorithm's word, its name and a tooltip."""
    box = QComboBox()
    for number, (word, name, tip) in enumerate(items):
        box.addItem(name, word)
        box.setItemData(number, tip, Qt.ItemDataRole.ToolTipRole)
    box.currentIndexChanged.connect(lambda index: box.setToolTip(items[index][2]))
    box.setToolTip(items[0][2])
    return box


def _number(low: int, high: int) -> QSpinBox:
    box = QSpinBox()
    box.setRange(low, high)
    return box


def _add_row(form: QFormLayout, text: str, widget: Any) -> None:
    label = QLabel(text)
    form.addRow(label, widget)
    label.setBuddy(widget if isinstance(widget, QWidget) else widget.itemAt(0).widget())

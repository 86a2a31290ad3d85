"""The panel for the task of the model and the rasters to learn from, with their recognised bands."""

from __future__ import annotations

from qgis.core import QgsRasterLayer
from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtWidgets import QComboBox, QFormLayout, QGroupBox, QLabel, QWidget

from ...i18n import tr
from ...layer_words import without_crs
from ..plain_text import plain_label
from .band_match import BandMatch, shown_match
from .raster_describer import RasterDescriber
from .raster_rows import RasterRows


def tasks() -> tuple[tuple[str, str, str], ...]:
    """The tasks: option of the algorithm, name, tooltip."""
    return (
        ("segmentation", tr("Map of classes"), tr("One class for every pixel.")),
        ("scenes", tr("Scenes"), tr("One label for each polygon or grid cell.")),
        ("change", tr("Change"), tr("Where two dates differ.")),
    )


class ImageryPanel(QGroupBox):
    """Task, rasters and matched bands."""

    changed = pyqtSignal()

    def __init__(self, describer: RasterDescriber, parent: QWidget | None = None) -> None:
        """Shows the rasters of the project.

        Args:
            describer: Gets the engine's description of rasters.
            parent: The dock.
        """
        super().__init__(tr("Imagery"), parent)
        self._describer = describer
        self._base = ""
        self._problem = ""
        self.task_list = QComboBox()
        for number, (word, name, tip) in enumerate(tasks()):
            self.task_list.addItem(name, word)
            self.task_list.setItemData(number, tip, Qt.ItemDataRole.ToolTipRole)
        self.rows = RasterRows()
        self.bands = plain_label()
        self.bands.setWordWrap(True)
        form = QFormLayout(self)
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.DontWrapRows)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._task_label, self._raster_label = QLabel(tr("Tas&k")), QLabel(tr("Raster"))
        self._task_label.setBuddy(self.task_list)
        self._raster_label.setBuddy(self.rows.first_list)
        form.addRow(self._task_label, self.task_list)
        form.addRow(self._raster_label, self.rows)
        form.addRow(self.bands)
        self.task_list.currentIndexChanged.connect(self._on_task)
        self.rows.changed.connect(self._on_rasters)
        describer.described.connect(self._on_rasters)
        self._show_match()

    @property
    def task(self) -> str:
        """The task, as an option of the algorithm."""
        return str(self.task_list.currentData())

    def set_task(self, task: str) -> None:
        """Selects a task; ignores one that is not known."""
        index = self.task_list.findData(task)
        if index >= 0:
            self.task_list.setCurrentIndex(index)

    def rasters(self) -> list[QgsRasterLayer]:
        """The rasters of the first, or only, date."""
        return self.rows.rasters()

    def show_base(self, path: str) -> None:
        """Compares the bands with those of another model.

        Args:
            path: Path of the base model; empty if none is chosen.
        """
        if path != self._base:
            self._base = path
            self._show_match()

    def problem(self) -> str:
        """Why training cannot start with these rasters; empty if it can."""
        pairs = self.rows.pairs()
        if not pairs:
            return tr("Choose the raster that you want to label.")
        if self.task == "change" and any(after is None for _, after in pairs):
            return tr("Choose the raster of the second date.")
        if any(before is after for before, after in pairs):
            return tr("Both dates are the same raster. Choose a different one for the second date.")
        layers = [layer for pair in pairs for layer in pair if layer is not None]
        nowhere = next((layer for layer in layers if not layer.crs().isValid()), None)
        return self._problem if nowhere is None else without_crs(nowhere.name())

    def _on_task(self) -> None:
        self.rows.show_second(self.task == "change")
        self._raster_label.setText(tr("Rasters") if self.task == "change" else tr("Raster"))
        self._on_rasters()

    def _on_rasters(self) -> None:
        self._show_match()
        self.changed.emit()

    def _show_match(self) -> None:
        self._problem = ""
        matches = [
            found
            for pair in self.rows.pairs()
            for layer in pair
            if layer is not None and (found := self._match(layer)) is not None
        ]
        wrong = next((match for match in matches if not match.fits), None)
        if wrong is not None:
            self._problem = wrong.text
        shown = list(dict.fromkeys(match.text for match in matches if match.fits))
        self.bands.setText("\n".join(shown))
        self.bands.setToolTip("<br>".join(match.tip for match in matches if match.tip))
        self.bands.setVisible(bool(shown))

    def _match(self, layer: QgsRasterLayer) -> BandMatch | None:
        """How the bands of a layer match those of the base model; None without a base model."""
        if not self._base:
            return None
        description = self._describer.of(layer)
        if description is None:
            return BandMatch(tr("Checking the bands…"))
        if description.problem:
            return BandMatch(description.problem, fits=False)
        return shown_match(layer.name(), description.models.get(self._base))

"""Filters of the models window: search words, a task, and a layer to compare the models with."""

from __future__ import annotations

from typing import Any

from qgis.gui import QgsFilterLineEdit
from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtWidgets import QComboBox, QHBoxLayout, QLabel, QWidget

from ...i18n import tr
from ..describe.window import raster_filter
from ..layer_list import LayerList
from .entry import ModelEntry, matches


class ModelFilters(QWidget):
    """The row of filters above the list."""

    changed = pyqtSignal()  # search words or task
    layer_changed = pyqtSignal()

    def __init__(self) -> None:
        """Starts without limits."""
        super().__init__()
        self.search = QgsFilterLineEdit()
        self.search.setShowSearchIcon(True)
        self.search.setPlaceholderText(tr("Search models"))
        self.tasks = QComboBox()
        for text, task in (
            (tr("All models"), ""),
            (tr("Land-cover map"), "segmentation"),
            (tr("Label scenes"), "scene-classification"),
            (tr("Detect change"), "change-detection"),
            (tr("For training"), "train"),
        ):
            self.tasks.addItem(text, task)
        self.layers = LayerList(raster_filter(), tr("Any layer"))
        self.layers.setMinimumContentsLength(14)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.search, 2)
        row.addWidget(_label(tr("F&or"), self.tasks))
        row.addWidget(self.tasks)
        row.addWidget(_label(tr("La&yer"), self.layers))  # the mnemonic L belongs to Delete
        row.addWidget(self.layers, 2)
        self.search.textChanged.connect(lambda *_: self.changed.emit())
        self.tasks.currentIndexChanged.connect(lambda *_: self.changed.emit())
        self.layers.layerChanged.connect(lambda *_: self.layer_changed.emit())

    @property
    def layer(self) -> Any:
        """The raster to compare the models with; None for none."""
        return self.layers.currentLayer()

    def lets_through(self, entry: ModelEntry) -> bool:
        """Whether a model matches the filters."""
        return matches(entry, self.search.text(), self.tasks.currentData() or "")


def _label(text: str, buddy: QWidget) -> QLabel:
    label = QLabel(text)
    label.setBuddy(buddy)
    return label

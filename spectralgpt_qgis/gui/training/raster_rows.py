"""The rasters to learn from, one per row; for change detection with the raster of the second date."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsApplication, QgsMapLayerProxyModel, QgsRasterLayer
from qgis.PyQt import sip
from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from ...i18n import tr
from ..layer_list import LayerList


class RasterRow(QWidget):
    """One raster, or the rasters of two dates."""

    changed = pyqtSignal()
    removed = pyqtSignal(object)  # this row

    def __init__(self, optional: bool, parent: QWidget | None = None) -> None:
        """Shows QGIS's list of raster layers.

        Args:
            optional: Whether the row can be removed.
            parent: The rows.
        """
        super().__init__(parent)
        self.before = _raster_list(self, tr("Raster"))
        self.after = _raster_list(self, tr("Raster of the second date"))
        self._listened: list[QgsRasterLayer] = []
        self._remove = QToolButton()
        self._remove.setText("×")
        self._remove.setAutoRaise(True)
        self._remove.setToolTip(tr("Remove this raster"))
        self._remove.setVisible(optional)
        self._remove.clicked.connect(self._tell_removed)
        # A widget instead of a nested layout, which would take up width even when it is empty.
        self._second = QWidget()
        second = QHBoxLayout(self._second)
        second.setContentsMargins(0, 0, 0, 0)
        second.addWidget(QLabel(tr("to")))
        second.addWidget(self.after, 1)
        boxes = QVBoxLayout()
        boxes.setSpacing(2)
        boxes.addWidget(self.before)
        boxes.addWidget(self._second)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(boxes, 1)
        layout.addWidget(self._remove)
        # Methods instead of lambdas, which would still be called while the row is being deleted.
        self.before.layerChanged.connect(self._tell_changed)
        self.after.layerChanged.connect(self._tell_changed)
        self.show_second(False)

    def stops(self) -> tuple[QWidget, ...]:
        """What the Tab key reaches, in order."""
        return self.before, self.after, self._remove

    def show_second(self, shown: bool) -> None:
        """Shows or hides the second date."""
        self._second.setVisible(shown)

    def _tell_changed(self, *_: Any) -> None:
        self._listen()
        self.changed.emit()

    def _listen(self) -> None:
        """Listens for changes of the layers' CRS, as a missing CRS may be what prevents a training."""
        for layer in self._listened:
            if not sip.isdeleted(layer):
                layer.crsChanged.disconnect(self.changed)
        chosen = {box.currentLayer() for box in (self.before, self.after)}
        self._listened = [layer for layer in chosen if layer is not None]
        for layer in self._listened:
            layer.crsChanged.connect(self.changed)

    def _tell_removed(self, *_: Any) -> None:
        self.removed.emit(self)


class RasterRows(QWidget):
    """At least one row, and a button to add more."""

    changed = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        """Shows one row.

        Args:
            parent: The panel.
        """
        super().__init__(parent)
        self._second = False
        self._rows: list[RasterRow] = []
        self._list = QVBoxLayout()
        self._list.setSpacing(4)
        self._more = QPushButton(tr("&Add raster"))
        self._more.setIcon(QgsApplication.getThemeIcon("/symbologyAdd.svg"))
        self._more.setFlat(True)
        self._more.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._more.setToolTip(
            tr(
                "Trains on several rasters at once, for instance of other places or dates. They share the labels."
            )
        )
        self._more.clicked.connect(self.add_row)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(self._list)
        layout.addWidget(self._more)
        self.add_row()

    @property
    def first_list(self) -> LayerList:
        """The list of the first row."""
        return self._rows[0].before

    def rasters(self) -> list[QgsRasterLayer]:
        """The chosen rasters of the first, or only, date, in order."""
        return [layer for row in self._rows if (layer := row.before.currentLayer()) is not None]

    def pairs(self) -> list[tuple[QgsRasterLayer, QgsRasterLayer | None]]:
        """The chosen rasters, each with that of the second date or None."""
        return [
            (before, row.after.currentLayer() if self._second else None)
            for row in self._rows
            if (before := row.before.currentLayer()) is not None
        ]

    def show_second(self, shown: bool) -> None:
        """Shows or hides the second date in all rows."""
        self._second = shown
        for row in self._rows:
            row.show_second(shown)
        self._more.setText(tr("&Add pair of rasters") if shown else tr("&Add raster"))

    def add_row(self, *_: Any) -> RasterRow:
        """Adds a row."""
        row = RasterRow(bool(self._rows), self)
        row.show_second(self._second)
        row.changed.connect(self.changed)
        row.removed.connect(self._drop)
        self._rows.append(row)
        self._list.addWidget(row)
        # Qt puts new widgets at the end, so the Tab key would reach them after everything else in the dock.
        stops = [*(stop for each in self._rows for stop in each.stops()), self._more]
        for before, after in zip(stops, stops[1:]):
            self.setTabOrder(before, after)
        self.changed.emit()
        return row

    def set_pairs(self, pairs: list[tuple[Any, Any]]) -> None:
        """Replaces the rasters.

        Args:
            pairs: Rasters of the first and the second date; None for none.
        """
        for row in self._rows[1:]:
            self._drop(row)
        for number, (before, after) in enumerate(pairs or [(None, None)]):
            row = self._rows[0] if number == 0 else self.add_row()
            row.before.setLayer(before)
            row.after.setLayer(after)

    def _drop(self, row: RasterRow) -> None:
        self._rows.remove(row)
        self._list.removeWidget(row)
        row.hide()
        row.deleteLater()
        self.changed.emit()


def _raster_list(parent: QWidget, name: str) -> LayerList:
    box = LayerList(QgsMapLayerProxyModel.Filter.RasterLayer, tr("Choose a raster"), parent)
    box.setAccessibleName(name)
    box.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
    box.setMinimumWidth(120)
    return box

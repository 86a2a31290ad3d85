"""Walks through a layer of ranked places by moving the map to one after the other."""

from __future__ import annotations

import json
from typing import Any

from qgis.core import (
    QgsCoordinateTransform,
    QgsCsException,
    QgsFeature,
    QgsProject,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtWidgets import QHBoxLayout, QPushButton, QWidget

from ...i18n import tr
from ...label_look import is_unset
from ...temporary_layers import TITLES
from ..plain_text import plain_label

_AROUND = 6.0  # width of the map view, in side lengths of a place
RANK, _CLASSES = "rank", ("first_class", "second_class")


def kept_places(project: QgsProject) -> QgsVectorLayer | None:
    """The layer of places in a project; None if there is none, or its file no longer exists."""
    return next(
        (
            layer
            for layer in project.mapLayers().values()
            if isinstance(layer, QgsVectorLayer)
            and layer.isValid()
            and layer.customProperty(TITLES) is not None
        ),
        None,
    )


class PlaceWalk(QWidget):
    """Buttons for the next and the previous place, and the number of the current place."""

    moved = pyqtSignal(object)  # the feature

    def __init__(self, canvas: Any, parent: QWidget | None = None) -> None:
        """Starts without a layer.

        Args:
            canvas: The map canvas; not owned.
            parent: Parent widget.
        """
        super().__init__(parent)
        self._canvas = canvas
        self._layer_id = ""
        self._order: list[int] = []  # ids of the features
        self._at = -1
        self._titles: dict[str, str] = {}
        self.previous_button = QPushButton(tr("Previo&us"))
        self.next_button = QPushButton(tr("Ne&xt"))
        self.where = plain_label()
        self.where.setWordWrap(True)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        for widget, stretch in ((self.where, 1), (self.previous_button, 0), (self.next_button, 0)):
            row.addWidget(widget, stretch)
        for button, step in ((self.previous_button, -1), (self.next_button, 1)):
            button.setAutoDefault(False)
            button.clicked.connect(lambda *_, step=step: self.step(step))
        self._refresh()

    def layer(self) -> QgsVectorLayer | None:
        """The layer of places; None if there is none, or the user has removed it."""
        layer = QgsProject.instance().mapLayer(self._layer_id) if self._layer_id else None
        return layer if isinstance(layer, QgsVectorLayer) else None

    def set_layer(self, layer: QgsVectorLayer | None, titles: dict[str, str] | None = None) -> None:
        """Sets the layer; the walk starts before its first place.

        Args:
            layer: A layer of the project, written by ``spectralgpt:uncertainplaces``, or None.
            titles: Titles of the classes, by name, in case that the layer has none.
        """
        self._layer_id, self._order, self._at = "", [], -1
        if layer is not None:
            self._layer_id = layer.id()
            known = json.loads(layer.customProperty(TITLES) or "{}")
            self._titles = {**(titles or {}), **known}
            self._order = _by_rank(layer)
        self._refresh()

    def step(self, by: int) -> None:
        """Goes to the next or the previous place."""
        layer = self.layer()
        if layer is None:
            self.set_layer(None)
            return
        wanted = min(max(self._at + by, 0), len(self._order) - 1)
        if not self._order:
            return
        self._at = wanted
        feature = layer.getFeature(self._order[self._at])
        if not feature.isValid():  # removed by the user
            del self._order[self._at]
            self._at -= 1
            self.step(1 if by > 0 else 0)
            return
        self._go(layer, feature)
        self._refresh(feature)
        self.moved.emit(feature)

    def _go(self, layer: QgsVectorLayer, feature: QgsFeature) -> None:
        settings = self._canvas.mapSettings()
        transform = QgsCoordinateTransform(
            layer.crs(), settings.destinationCrs(), QgsProject.instance()
        )
        try:
            box = transform.transformBoundingBox(feature.geometry().boundingBox())
        except QgsCsException:
            return
        if box.isEmpty():  # a point
            self._canvas.setCenter(box.center())
        else:
            box.scale(_AROUND)
            self._canvas.setExtent(box)
        self._canvas.refresh()
        self._canvas.flashFeatureIds(layer, [feature.id()])

    def _refresh(self, feature: QgsFeature | None = None) -> None:
        self.previous_button.setEnabled(self._at > 0)
        self.next_button.setEnabled(self._at < len(self._order) - 1)
        if feature is None:
            self.where.setText(tr("Places, least certain first: {}").format(len(self._order)))
            return
        text = tr("Place {number} of {count}:").format(number=self._at + 1, count=len(self._order))
        first, second = (self._titles.get(feature[name], feature[name]) for name in _CLASSES)
        self.where.setText(
            text + "\n" + tr("{first} or {second}?").format(first=first, second=second)
        )


def _by_rank(layer: QgsVectorLayer) -> list[int]:
    """The ids of the places by rank; without features that the user added, which have no rank."""
    column = layer.fields().lookupField(RANK)
    if column < 0:
        return []
    ranks = {feature.id(): feature.attribute(column) for feature in layer.getFeatures()}
    return sorted((key for key in ranks if not is_unset(ranks[key])), key=ranks.__getitem__)

"""Keeps the counts of a label layer up to date while it is edited, without blocking QGIS."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from qgis.core import (
    QgsCoordinateTransform,
    QgsMapLayer,
    QgsProject,
    QgsRasterLayer,
    QgsRectangle,
    QgsVectorLayer,
    QgsVectorLayerFeatureSource,
)
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QObject, QTimer, pyqtSignal

from ...i18n import tr
from ...raster_source import engine_path
from ...tasks.base import BaseTask
from ...tasks.label_count import LabelCount, LabelCounts, RasterCount

_EDITS = (
    "featureAdded",
    "featureDeleted",
    "geometryChanged",
    "attributeValueChanged",
    "afterRollBack",
    "afterCommitChanges",
    "dataChanged",
    "subsetStringChanged",
    "crsChanged",
)


class LabelCounter(QObject):
    """Counts again a moment after the last edit, for large layers after a longer pause."""

    counted = pyqtSignal(object)  # LabelCounts

    PATIENCE = 250  # ms after an edit, at the least

    def __init__(self, parent: QObject | None = None) -> None:
        """Starts without a layer.

        Args:
            parent: Parent object.
        """
        super().__init__(parent)
        self._layer: QgsMapLayer | None = None
        self._field = ""
        self._rasters: list[QgsRasterLayer] = []
        self._task: BaseTask | None = None
        self._began = 0.0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(self.PATIENCE)
        self._timer.timeout.connect(self._count)

    def watch(
        self, layer: QgsMapLayer | None, field: str, rasters: Sequence[QgsRasterLayer]
    ) -> None:
        """Starts to count the labels of a layer.

        Args:
            layer: Labels; None to stop.
            field: The class field; not used for a raster.
            rasters: The imagery; pixels are those of the first raster.
        """
        if layer is not self._layer:
            self._listen(False)
            self._layer = layer
            self._listen(True)
        self._field, self._rasters = field, list(rasters)
        self._timer.setInterval(self.PATIENCE)
        self._drop_task()
        if layer is None:
            self._timer.stop()
        else:
            self._timer.start()

    def stop(self) -> None:
        """Stops counting."""
        self.watch(None, "", ())

    def _listen(self, on: bool) -> None:
        layer = self._layer
        if layer is None or sip.isdeleted(layer):
            return
        for name in _EDITS:
            signal = getattr(layer, name, None)
            if signal is not None:
                with suppress(TypeError):  # was not connected
                    (signal.connect if on else signal.disconnect)(self._edited)

    def _edited(self, *_: Any) -> None:
        self._drop_task()  # its count would be outdated
        self._timer.start()

    def _count(self) -> None:
        layer = self._layer
        if layer is None or sip.isdeleted(layer) or not layer.isValid():
            return
        self._drop_task()
        task = self._make_task(layer)
        if task is None:
            return
        self._task, self._began = task, time.monotonic()
        task.succeeded.connect(lambda counts: self._on_counted(counts, task))
        task.failed.connect(lambda *_: self._on_counted(LabelCounts(known=False), task))
        # If the user cancels it in QGIS's task manager, the counts are not known.
        task.stopped.connect(lambda: self._on_counted(LabelCounts(known=False), task))
        task.start()

    def _make_task(self, layer: QgsMapLayer) -> BaseTask | None:
        what = tr("Counting the labels of {}").format(layer.name())
        if isinstance(layer, QgsRasterLayer):
            return RasterCount(what, engine_path(layer))
        column = layer.fields().lookupField(self._field)
        if not isinstance(layer, QgsVectorLayer) or column < 0:
            return None
        rasters = [raster for raster in self._rasters if not sip.isdeleted(raster)]
        if not rasters:
            # Without imagery only features are counted, not pixels.
            return LabelCount(
                what, QgsVectorLayerFeatureSource(layer), column, QgsCoordinateTransform(), 0.0
            )
        first, context = rasters[0], QgsProject.instance().transformContext()
        pixel = first.rasterUnitsPerPixelX() * first.rasterUnitsPerPixelY()
        return LabelCount(
            what,
            QgsVectorLayerFeatureSource(layer),
            column,
            QgsCoordinateTransform(layer.crs(), first.crs(), context),
            abs(pixel),
            [_extent_in(raster, first, context) for raster in rasters],
        )

    def _on_counted(self, counts: LabelCounts, task: BaseTask) -> None:
        if task is not self._task:
            return
        self._task = None
        taken = time.monotonic() - self._began
        self._timer.setInterval(max(self.PATIENCE, round(2000 * taken)))
        self.counted.emit(counts)

    def _drop_task(self) -> None:
        task, self._task = self._task, None
        if task is not None and not sip.isdeleted(task):
            task.cancel()


def _extent_in(raster: QgsRasterLayer, first: QgsRasterLayer, context: Any) -> QgsRectangle:
    if raster is first:
        return first.extent()
    return QgsCoordinateTransform(raster.crs(), first.crs(), context).transformBoundingBox(
        raster.extent()
    )

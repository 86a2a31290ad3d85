"""Counting the labels of each class as a task: a layer may hold many thousands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from qgis.core import (
    QgsAbstractFeatureSource,
    QgsCoordinateTransform,
    QgsCsException,
    QgsFeature,
    QgsFeatureRequest,
    QgsRectangle,
)

from ..label_look import as_text, is_unset
from .base import BaseTask, TaskCancelled


@dataclass
class ClassCount:
    """How much of a class is labelled.

    Attributes:
        features: Polygons or points; 0 for a class raster.
        pixels: Area of the polygons in pixels of the imagery; points and raster cells count one each.
    """

    features: int = 0
    pixels: float = 0.0


@dataclass
class LabelCounts:
    """The labels of a layer.

    Attributes:
        classes: By the class's value as text.
        unset: Features without a class.
        outside: Features that touch none of the rasters.
    """

    classes: dict[str, ClassCount] = field(default_factory=dict)
    unset: int = 0
    outside: int = 0

    def of(self, label: str) -> ClassCount:
        """The counts of a class; zeros where nothing is labelled."""
        return self.classes.get(label, ClassCount())


class LabelCount(BaseTask):
    """Counts features and their pixels by class; the result is a LabelCounts."""

    def __init__(
        self,
        description: str,
        features: QgsAbstractFeatureSource,
        column: int,
        transform: QgsCoordinateTransform,
        pixel_area: float,
        extents: Sequence[QgsRectangle] = (),
    ) -> None:
        """Keep what to count.

        Args:
            description: What the task manager shows.
            features: A snapshot of the layer, unsaved edits included.
            column: Index of the class field.
            transform: From the layer's CRS to the imagery's.
            pixel_area: Of the imagery, in square units of its CRS; 0 when it is not known.
            extents: Of the rasters, in the imagery's CRS; none are not looked at.
        """
        super().__init__(description, hidden=True)
        self._features, self._column = features, column
        self._transform, self._pixel_area = transform, pixel_area
        self._extents = tuple(extents)

    def _run(self) -> LabelCounts:
        counts = LabelCounts()
        request = QgsFeatureRequest().setSubsetOfAttributes([self._column])
        for feature in self._features.getFeatures(request):
            if self.isCanceled():
                raise TaskCancelled
            if feature.hasGeometry():
                self._add(feature, counts)
        return counts

    def _add(self, feature: QgsFeature, counts: LabelCounts) -> None:
        geometry = feature.geometry()
        try:
            geometry.transform(self._transform)
        except QgsCsException:  # nowhere in the imagery's CRS
            counts.outside += 1
            return
        if self._extents and not any(map(geometry.boundingBoxIntersects, self._extents)):
            counts.outside += 1
            return
        value = feature.attribute(self._column)
        if is_unset(value):
            counts.unset += 1
            return
        found = counts.classes.setdefault(as_text(value), ClassCount())
        found.features += 1
        area = geometry.area()
        # A point labels its pixel, and so does a polygon that is smaller.
        pixels = area / self._pixel_area if self._pixel_area and area else 0.0
        found.pixels += max(1.0, pixels) if self._pixel_area else 0.0


class RasterCount(BaseTask):
    """Counts the cells of each value of a class raster; the result is a LabelCounts."""

    def __init__(self, description: str, provider_key: str, uri: str) -> None:
        """Keep what to count.

        Args:
            description: What the task manager shows.
            provider_key: Name of the QGIS data provider that reads the layer.
            uri: What that provider opens.
        """
        super().__init__(description, hidden=True)
        self._provider_key, self._uri = provider_key, uri

    def _run(self) -> LabelCounts:
        import numpy as np
        from qgis.core import QgsDataProvider, QgsProviderRegistry, QgsRasterIterator

        provider = QgsProviderRegistry.instance().createProvider(
            self._provider_key, self._uri, QgsDataProvider.ProviderOptions()
        )
        counts = LabelCounts()
        if provider is None or not provider.isValid():
            return counts
        iterator = QgsRasterIterator(provider)
        iterator.startRasterRead(1, provider.xSize(), provider.ySize(), provider.extent())
        while True:
            read, columns, rows, block, *_ = iterator.readNextRasterPart(1)
            if not read:
                return counts
            if self.isCanceled():
                raise TaskCancelled
            values = np.frombuffer(block.data(), _numpy_type(block)).reshape(rows, columns)
            found, cells = np.unique(values, return_counts=True)
            for value, number in zip(found.tolist(), cells.tolist()):
                no_data = provider.sourceHasNoDataValue(1) and value == provider.sourceNoDataValue(
                    1
                )
                if value == value and not no_data:  # NaN is nothing
                    counts.classes.setdefault(as_text(value), ClassCount()).pixels += number


def _numpy_type(block: Any) -> str:
    """The name that numpy has for a block's type of numbers."""
    from qgis.core import Qgis

    names = {
        Qgis.DataType.Byte: "u1",
        Qgis.DataType.UInt16: "u2",
        Qgis.DataType.Int16: "i2",
        Qgis.DataType.UInt32: "u4",
        Qgis.DataType.Int32: "i4",
        Qgis.DataType.Float32: "f4",
        Qgis.DataType.Float64: "f8",
    }
    if hasattr(Qgis.DataType, "Int8"):  # QGIS 3.30
        names[Qgis.DataType.Int8] = "i1"
    return names[block.dataType()]

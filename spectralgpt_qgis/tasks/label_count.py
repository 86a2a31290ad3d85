"""Counts the labels of each class in a task, as a layer may hold many thousands."""

from __future__ import annotations

from collections import Counter
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

_FLOAT64 = 7  # gdal.GDT_Float64


@dataclass
class ClassCount:
    """The labels of one class.

    Attributes:
        features: Number of polygons or points; 0 for a class raster.
        pixels: Area of the polygons in pixels of the imagery; a point or raster cell counts as one pixel.
    """

    features: int = 0
    pixels: float = 0.0


@dataclass
class LabelCounts:
    """The labels of a layer.

    Attributes:
        classes: Counts by class value, as text.
        unset: Number of features without a class.
        outside: Number of features outside all of the rasters.
        known: False if the layer cannot be counted.
    """

    classes: dict[str, ClassCount] = field(default_factory=dict)
    unset: int = 0
    outside: int = 0
    known: bool = True

    def of(self, label: str) -> ClassCount:
        """The counts of a class; zeros if it has no labels."""
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
        """Make the task.

        Args:
            description: Shown in the task manager.
            features: A snapshot of the layer, including unsaved edits.
            column: Index of the class field.
            transform: Transform from the layer's CRS to the imagery's.
            pixel_area: Pixel area of the imagery, in square units of its CRS; 0 if not known.
            extents: Extents of the rasters, in the imagery's CRS; if empty, no feature counts as outside.
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
        except QgsCsException:  # it has no coordinates in the imagery's CRS
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
        # A point labels one pixel, and so does a polygon smaller than a pixel.
        pixels = area / self._pixel_area if self._pixel_area and area else 0.0
        found.pixels += max(1.0, pixels) if self._pixel_area else 0.0


class RasterCount(BaseTask):
    """Counts the cells of each value of a class raster; the result is a LabelCounts."""

    STRIP = 1 << 18  # cells counted at a time, so that QGIS can redraw in between

    def __init__(self, description: str, path: str) -> None:
        """Make the task.

        Args:
            description: Shown in the task manager.
            path: Path for GDAL; empty for a raster that is not a file, which cannot be counted.
        """
        super().__init__(description, hidden=True)
        self._path = path

    def _run(self) -> LabelCounts:
        dataset = _open(self._path)
        if dataset is None:
            return LabelCounts(known=False)
        band = dataset.GetRasterBand(1)
        columns, rows = band.XSize, band.YSize
        strip = max(1, self.STRIP // columns)
        found: Counter[float] = Counter()
        for top in range(0, rows, strip):
            if self.isCanceled():
                raise TaskCancelled
            # As 64-bit floats, whatever the raster's data type: class values are exact in them.
            cells = band.ReadRaster(0, top, columns, min(strip, rows - top), buf_type=_FLOAT64)
            found.update(memoryview(cells).cast("d"))
        found.pop(band.GetNoDataValue(), None)
        return LabelCounts(
            {
                as_text(value): ClassCount(0, float(number))
                for value, number in found.items()
                if value == value  # not NaN
            }
        )


def _open(path: str) -> Any:
    """Returns a GDAL dataset, or None if it cannot be opened, whether or not GDAL's exceptions are switched on."""
    from osgeo import gdal

    try:
        return gdal.Open(path) if path else None
    except RuntimeError:
        return None

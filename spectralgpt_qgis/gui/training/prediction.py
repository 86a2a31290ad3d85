"""Derives the parameters of the mapping tool from those of the training of a model."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCsException,
    QgsMapLayer,
    QgsProcessingContext,
    QgsProcessingUtils,
    QgsProject,
    QgsRasterLayer,
    QgsRectangle,
)

from ...i18n import tr

SOURCES = "SOURCES"  # stored by the dock with the parameters, see `layer_sources`
# Task of the training -> the mapping tool, its raster parameters, and the extension of its output.
TOOLS = {
    "segmentation": ("spectralgpt:segment", ("INPUT",), ".tif"),
    "scenes": ("spectralgpt:classify", ("INPUT",), ".gpkg"),
    "change": ("spectralgpt:detectchange", ("BEFORE", "AFTER"), ".tif"),
}
TASKS = tuple(TOOLS)
MOST_PIXELS = 1024  # per side of a preview, so that it takes only seconds


@dataclass(frozen=True)
class Trained:
    """A trained model, with the parameters of its training.

    Attributes:
        result: Result from ``RunPanel.finished``.
        parameters: Parameters of the training.
    """

    result: dict[str, Any]
    parameters: dict[str, Any]

    @property
    def task(self) -> str:
        """Task of the training, one of `TASKS`."""
        value = self.parameters.get("TASK", TASKS[0])
        return TASKS[value] if isinstance(value, int) else str(value or TASKS[0])

    @property
    def tool(self) -> str:
        """Id of the algorithm that maps with the model."""
        return TOOLS[self.task][0]

    @property
    def ending(self) -> str:
        """Extension of the file that the tool writes."""
        return TOOLS[self.task][2]

    @property
    def name(self) -> str:
        """Name of the model."""
        return str(self.result.get("MODEL_NAME") or self.engine.get("model", {}).get("name", ""))

    @property
    def engine(self) -> dict[str, Any]:
        """The engine's result."""
        return self.result.get("TRAINING", {})

    @property
    def trainable(self) -> str:
        """Path of the file to train from."""
        told = self.engine.get("outputs", {}).get("trainable_model")
        return str(told or re.sub(r"\.onnx$", "", self.result["OUTPUT_MODEL"]) + ".safetensors")

    def rasters(self) -> list[tuple[QgsRasterLayer, ...]]:
        """The rasters of the training that can still be read, each with its second date if there are two dates."""
        lists = [self.parameters.get("INPUT") or []]
        if self.task == "change":
            lists.append(self.parameters.get("AFTER") or [])
        lists = [value if isinstance(value, (list, tuple)) else [value] for value in lists]
        found = [tuple(map(self._raster, values)) for values in zip(*lists)]
        return [layers for layers in found if all(layers)]

    def labels(self) -> str:
        """Id or source of the label layer, if it can still be read; else empty."""
        given = str(self.parameters.get("LABELS") or "")
        layer = _layer(given) or _layer(self._source(given))
        return "" if layer is None else layer.id() if _in_project(layer) else layer.source()

    def _raster(self, value: Any) -> QgsRasterLayer | None:
        return _raster(value) or _raster(self._source(value))

    def _source(self, value: Any) -> str:
        """The source of a layer, to find it even if it was removed from the project and added again."""
        sources = self.parameters.get(SOURCES)
        return str(sources.get(value, "")) if isinstance(sources, dict) else ""

    def mapping(self, layers: tuple[QgsRasterLayer, ...]) -> dict[str, Any]:
        """Parameters of the tool for one raster, or two dates.

        Args:
            layers: An item of :meth:`rasters`.
        """
        made: dict[str, Any] = {"MODEL": self.result["OUTPUT_MODEL"]}
        for name, layer in zip(TOOLS[self.task][1], layers):
            made[name] = layer.id() if _in_project(layer) else layer.source()
        for name in ("DEVICE", "THREADS"):
            if self.parameters.get(name) not in (None, ""):
                made[name] = self.parameters[name]
        for name in ("BANDS", "AFTER_BANDS"):
            numbers = [
                int(number) for number in re.findall(r"\d+", str(self.parameters.get(name) or ""))
            ]
            if numbers and (name == "BANDS" or self.task == "change"):
                made[name] = numbers
        return made


def shown(
    rasters: list[tuple[QgsRasterLayer, ...]], view: QgsRectangle, crs: QgsCoordinateReferenceSystem
) -> tuple[tuple[QgsRasterLayer, ...], QgsRectangle] | None:
    """The first raster that is visible in the map, and its visible part.

    Args:
        rasters: Result of :meth:`Trained.rasters`.
        view: Extent of the map.
        crs: CRS of the map.

    Returns:
        The raster, or its two dates, and the visible part in the raster's CRS; None if none is visible.
    """
    for layers in rasters:
        part = in_layer(layers[0], view, crs)
        if part is not None:
            return layers, part
    return None


def in_layer(
    layer: QgsRasterLayer, view: QgsRectangle, crs: QgsCoordinateReferenceSystem
) -> QgsRectangle | None:
    """The visible part of a raster, in the raster's CRS; None if it is not visible."""
    try:
        transform = QgsCoordinateTransform(crs, layer.crs(), QgsProject.instance())
        seen = transform.transformBoundingBox(view).intersect(layer.extent())
    except QgsCsException:
        return None
    return None if seen.isEmpty() else seen


def middle(layer: QgsRasterLayer, part: QgsRectangle) -> tuple[QgsRectangle, bool]:
    """The centre of a part of a raster, small enough for a preview within seconds.

    Returns:
        The rectangle, and whether it is smaller than the part.
    """
    side_x = min(part.width(), MOST_PIXELS * layer.rasterUnitsPerPixelX())
    side_y = min(part.height(), MOST_PIXELS * layer.rasterUnitsPerPixelY())
    smaller = side_x < part.width() or side_y < part.height()
    return QgsRectangle.fromCenterAndSize(part.center(), side_x, side_y), smaller


def extent_text(rectangle: QgsRectangle, crs: QgsCoordinateReferenceSystem) -> str:
    """An extent as text for Processing; if its CRS has no authority id, it must be that of the raster."""
    sides = (rectangle.xMinimum(), rectangle.xMaximum(), rectangle.yMinimum(), rectangle.yMaximum())
    numbers = ",".join(f"{side:.10f}" for side in sides)
    return f"{numbers} [{crs.authid()}]" if crs.authid() else numbers


def layer_sources(layers: Iterable[QgsMapLayer | None]) -> dict[str, str]:
    """Sources of layers by id, to find the layers again if their ids have changed."""
    return {layer.id(): layer.source() for layer in layers if layer is not None}


def none_shown(rasters: Sequence[Any]) -> str:
    """Message if no raster of the training is visible.

    Args:
        rasters: Result of :meth:`Trained.rasters`.
    """
    if rasters:
        return tr(
            "The map view does not show any raster that the model was trained on. Zoom to one of them."
        )
    return tr("The rasters that the model was trained on are no longer in the project.")


def _raster(value: Any) -> QgsRasterLayer | None:
    """The raster layer of a parameter's value; None if it is none."""
    layer = value if isinstance(value, QgsRasterLayer) else _layer(str(value))
    return layer if isinstance(layer, QgsRasterLayer) else None


def _layer(text: str) -> QgsMapLayer | None:
    """The layer with an id or a source; None if it cannot be read."""
    context = QgsProcessingContext()
    context.setProject(QgsProject.instance())
    layer = QgsProcessingUtils.mapLayerFromString(text, context) if text else None
    if layer is None or not layer.isValid():
        return None
    # Cloned, as a layer that the context loaded is deleted with it.
    return layer if _in_project(layer) else layer.clone()


def _in_project(layer: QgsMapLayer) -> bool:
    return QgsProject.instance().mapLayer(layer.id()) is not None

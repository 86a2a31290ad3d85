"""Finds the raster layers that a menu entry refers to, and the order of two of them in time."""

from __future__ import annotations

from typing import Any

from qgis.core import Qgis, QgsMapLayer, QgsMapLayerType, QgsProject, QgsRasterLayer

RASTER = Qgis.LayerType.Raster if hasattr(Qgis, "LayerType") else QgsMapLayerType.RasterLayer


def current_raster(iface: Any) -> QgsRasterLayer | None:
    """The layer that was clicked or is active; None if it is not a raster."""
    layer = iface.activeLayer()
    return layer if _is_raster(layer) else None


def selected_rasters(iface: Any) -> list[QgsRasterLayer]:
    """The raster layers selected in the layer tree, from top to bottom."""
    order = [node.layerId() for node in QgsProject.instance().layerTreeRoot().findLayers()]
    found = [layer for layer in iface.layerTreeView().selectedLayers() if _is_raster(layer)]
    return sorted(found, key=lambda layer: order.index(layer.id()))


def before_and_after(
    upper: QgsRasterLayer, lower: QgsRasterLayer
) -> tuple[QgsRasterLayer, QgsRasterLayer, bool]:
    """Sorts two layers by acquisition date.

    Returns:
        The earlier layer, the later layer, and whether their dates are known; if not, the upper one comes first.
    """
    from ..acquisition_date import acquisition_date, in_order  # QGIS starts without it

    earlier = in_order(acquisition_date(upper), acquisition_date(lower))
    if earlier is False:
        return lower, upper, True
    return upper, lower, earlier is not None


def _is_raster(layer: QgsMapLayer | None) -> bool:
    return layer is not None and layer.type() == RASTER

"""Layers as a project file can keep them: by id, and by source where the id is gone."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsMapLayer, QgsProject


def reference(layer: QgsMapLayer | None) -> dict[str, str]:
    """What finds a layer again.

    Args:
        layer: A layer of the project; None gives an empty reference.
    """
    return {} if layer is None else {"id": layer.id(), "source": layer.source()}


def referenced(found: Any, project: QgsProject) -> QgsMapLayer | None:
    """The layer of a reference; None when the project has it no more.

    Args:
        found: What :func:`reference` made, from a file that anybody may have edited.
        project: To look in.
    """
    if not isinstance(found, dict):
        return None
    layer = project.mapLayer(str(found.get("id", "")))
    if layer is not None:
        return layer
    source = found.get("source")
    return next(
        (other for other in project.mapLayers().values() if source and other.source() == source),
        None,
    )

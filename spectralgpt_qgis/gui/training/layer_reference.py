"""References to layers for the project file: by id, or by source if no layer has that id."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsMapLayer, QgsProject


def reference(layer: QgsMapLayer | None) -> dict[str, str]:
    """A reference to a layer.

    Args:
        layer: A layer of the project; None gives an empty reference.
    """
    return {} if layer is None else {"id": layer.id(), "source": layer.source()}


def referenced(found: Any, project: QgsProject) -> QgsMapLayer | None:
    """The layer of a reference; None if the project no longer has it.

    Args:
        found: Result of :func:`reference`, from a file that may have been edited by hand.
        project: The project to search.
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

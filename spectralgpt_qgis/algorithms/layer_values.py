"""Checks of layer and destination parameters that QGIS's own checks lack or explain too little."""

from __future__ import annotations

import os
import re
from typing import Any

from qgis.core import (
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingFeatureSourceDefinition,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterMapLayer,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterRasterLayer,
    QgsProcessingUtils,
)

from ..i18n import tr
from ..layer_words import without_crs
from .virtual_output import VirtualRasterDestination

_ENDINGS = {"rasterDestination": (".tif", ".tiff"), "vectorDestination": (".gpkg",)}
_RASTERS = (QgsProcessingParameterRasterLayer, QgsProcessingParameterMultipleLayers)


def endings(definition: QgsProcessingParameterDefinition) -> tuple[str, ...]:
    """File extensions that a destination may have; those of a file destination are in its filter."""
    if isinstance(definition, QgsProcessingParameterFileDestination):
        return tuple(re.findall(r"\*(\.\w+)", definition.fileFilter()))
    if isinstance(definition, VirtualRasterDestination):
        return (f".{definition.defaultFileExtension()}",)
    return _ENDINGS.get(definition.type(), ())


def plain_values(algorithm: QgsProcessingAlgorithm, parameters: dict[str, Any]) -> dict[str, Any]:
    """Parameters in the form that QGIS's own methods accept.

    They do not accept a feature source definition for a map layer parameter, and report a required output as missing
    if a script left it at its default.
    """
    values = dict(parameters)
    for definition in algorithm.parameterDefinitions():
        name, value = definition.name(), parameters.get(definition.name())
        if isinstance(definition, QgsProcessingParameterMapLayer):
            if isinstance(value, QgsProcessingFeatureSourceDefinition):
                values[name] = value.source
        elif value is None and definition.isDestination() and definition.defaultValue():
            values[name] = definition.defaultValue()
    return values


def unreadable_layer(
    algorithm: QgsProcessingAlgorithm, parameters: dict[str, Any], context: QgsProcessingContext
) -> str:
    """Message about an input file that exists but cannot be opened as a layer; empty if there is none."""
    for definition in algorithm.parameterDefinitions():
        is_raster = isinstance(definition, _RASTERS)
        if not is_raster and not isinstance(definition, QgsProcessingParameterMapLayer):
            continue
        hints = QgsProcessingUtils.LayerHint
        hint = hints.Raster if is_raster else hints.UnknownType
        value = parameters.get(definition.name())
        for given in value if isinstance(value, (list, tuple)) else [value]:
            # Not with pathlib, which raises if a source, such as that of a web service, is too long for a file name.
            if not isinstance(given, str) or not os.path.isfile(given):
                continue
            if QgsProcessingUtils.mapLayerFromString(given, context, True, hint) is None:
                return _damaged(is_raster).format(file=given, name=definition.name())
    return ""


def layer_without_crs(
    algorithm: QgsProcessingAlgorithm, parameters: dict[str, Any], context: QgsProcessingContext
) -> str:
    """Message about a raster without a CRS; empty if there is none."""
    for definition in algorithm.parameterDefinitions():
        if isinstance(definition, QgsProcessingParameterRasterLayer):
            layers = [algorithm.parameterAsRasterLayer(parameters, definition.name(), context)]
        elif isinstance(definition, QgsProcessingParameterMultipleLayers):
            layers = algorithm.parameterAsLayerList(parameters, definition.name(), context)
        else:
            continue
        for layer in layers:
            if layer is not None and layer.isValid() and not layer.crs().isValid():
                return without_crs(layer.name())
    return ""


def _damaged(is_raster: bool) -> str:
    if is_raster:
        return tr(
            "The file '{file}' ({name}) cannot be opened as a raster: it is damaged, incomplete or in a format that "
            "QGIS cannot read. Copy or download it again."
        )
    return tr(
        "The file '{file}' ({name}) cannot be opened as a layer: it is damaged, incomplete or in a format that QGIS "
        "cannot read. Copy or download it again."
    )

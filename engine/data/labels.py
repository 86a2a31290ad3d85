"""Reads labels for training or assessment: polygons, points or a class raster.

The classes are those of the whole layer, so that they are the same for all rasters that it labels.
Unlabelled pixels are unknown, never background.
"""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Mapping

import pyogrio
import rasterio
from pyogrio.errors import DataSourceError
from rasterio.errors import NotGeoreferencedWarning, RasterioError

from ..errors import LabelsInvalid, VectorUnreadable
from .label_classes import Look, alike, make_classes, ordered, parse_looks
from .label_fields import FieldLabels, field_labels
from .label_layer import LabelLayer, LabelledPixels, LabelledScenes, Legend
from .label_raster import read_classes
from .vectors import POINTS, POLYGONS, Features, read_features, split_source

__all__ = ["LabelLayer", "LabelledPixels", "LabelledScenes", "has_layers", "read_labels"]


def read_labels(
    path: str,
    field: str,
    *,
    classes: str = "",
    multilabel: bool = False,
    purpose: str = "labels",
    least: int = 2,
) -> LabelLayer:
    """Reads a label layer and makes its list of classes.

    Args:
        path: Vector file (`file|layername=NAME` chooses a layer) or class raster.
        field: Field with the class, text or integers. Not needed for a class raster.
        classes: Titles and colours of classes, a JSON list of {"label", "title", "color"}; empty is automatic.
        multilabel: Whether a feature may have several labels, separated by ; or , or in a list.
        purpose: What the labels are for, for messages; a plural.
        least: Minimal number of classes.

    Raises:
        VectorUnreadable: The file is missing or damaged, or holds neither polygons nor points.
        RasterUnreadable: The class raster cannot be read.
        LabelsInvalid: The field is missing, its values are not classes, or there are too few or too many classes.
        InvalidParameter: `classes` cannot be read.
    """
    looks = parse_looks(classes)
    if _is_raster(path, field):
        if multilabel:
            raise LabelsInvalid(
                f"The {purpose} {path} are a class raster, which has one label for each pixel. For several labels per "
                "scene, choose a vector layer."
            )
        return _raster_layer(path, looks, purpose, least)
    file = split_source(path)[0]
    if os.path.exists(file) and not has_layers(file):
        raise VectorUnreadable(
            f"The {purpose} file {file} can be read neither as a vector layer nor as a raster. Check whether it opens "
            "in QGIS, and export it again as GeoPackage or GeoTIFF."
        )
    features = read_features(path, purpose, POLYGONS + POINTS)
    found = field_labels(features, field, multilabel)
    counts = Counter(label for labels in found.labels for label in labels)
    names = ordered(set(counts), found.whole)
    told = (*found.warnings, *_ignored(features, found, field), *alike(names))
    where = f"field '{field}' of the {purpose} {features.source}"
    made = make_classes(names, found.whole, looks, least, where)
    index = {label: place for place, label in enumerate(names)}
    keep = [place for place, labels in enumerate(found.labels) if labels]
    return LabelLayer(
        Legend(made, tuple(names), tuple(counts[name] for name in names)),
        told,
        features.source,
        purpose,
        _only(features, keep),
        [tuple(index[label] for label in found.labels[place]) for place in keep],
        multilabel,
    )


def _raster_layer(path: str, looks: Mapping[str, Look], purpose: str, least: int) -> LabelLayer:
    raster = read_classes(path, purpose)
    values = [str(value) for value in raster.values]
    made = make_classes(values, True, {**raster.looks, **looks}, least, f"{purpose} raster {path}")
    return LabelLayer(Legend(made, tuple(values), raster.counts), raster.warnings, path, purpose)


def _ignored(features: Features, found: FieldLabels, field: str) -> list[str]:
    """Warnings about features that are ignored."""
    purpose, source, told = features.purpose, features.source, []
    if features.left_out:
        told.append(
            f"{features.left_out} features of the {purpose} {source} are neither polygons nor points. They are "
            "ignored."
        )
    empty = sum(not labels for labels in found.labels)
    if empty:
        told.append(
            f"{empty} of {len(features.fids)} features of the {purpose} {source} have no class in the field "
            f"'{field}'. They are ignored."
        )
    return told


def _only(features: Features, keep: list[int]) -> Features:
    """Selects features; drops their fields, which are no longer needed."""
    return Features(
        features.geometries[keep],
        {},
        {},
        features.fids[keep],
        features.crs,
        features.bounds,
        features.left_out,
        features.source,
        features.purpose,
        features.kinds,
    )


def _is_raster(path: str, field: str) -> bool:
    """Whether to read a file as a class raster; if a field is given, vector layers take precedence."""
    file = split_source(path)[0]
    if field and has_layers(file):
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with rasterio.open(path):
                return True
    except (RasterioError, ValueError, TypeError):
        return False


def has_layers(file: str) -> bool:
    """Whether a file has vector layers; false if it is missing."""
    try:
        return len(pyogrio.list_layers(file)) > 0
    except (DataSourceError, ValueError):
        return False

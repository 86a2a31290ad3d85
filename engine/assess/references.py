"""Reads references on a map's grid: pixels, their classes, and the strata that they were drawn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyogrio
from numpy.typing import NDArray
from pyogrio.errors import DataLayerError, DataSourceError

from ..cards import ModelClass
from ..data.grid import Grid
from ..data.label_fields import field_labels
from ..data.labels import read_labels
from ..data.vectors import POINTS, find_layer, read_features
from .sample import REFERENCE, STRATUM, WEIGHT

_PIXELS = 4_000_000
_PURPOSE = "references"


@dataclass(frozen=True)
class Strata:
    """The strata of a sample.

    Attributes:
        names: Names of the strata as in the field [H].
        pixels: Number of pixels of each stratum [H], the sum of its points' weights.
        of_point: Index of the stratum of each reference [N].
    """

    names: tuple[str, ...]
    pixels: NDArray[np.float64]
    of_point: NDArray[np.int64]

    def only(self, kept: NDArray[np.bool_]) -> Strata:
        """The same strata with a selection of the points."""
        return Strata(self.names, self.pixels, self.of_point[kept])


@dataclass(frozen=True)
class References:
    """Pixels of known class.

    Attributes:
        kind: "polygons", "points" or "raster".
        labels: Labels of the classes in the file [K].
        classes: The same classes with titles [K].
        row: Row of each on the map's grid [N].
        column: Column of each on the map's grid [N].
        label: Index of the class of each [N].
        unit: Polygon, point or region of each [N].
        weight: Number of pixels that each represents [N]; 1 unless they were subsampled.
        strata: The strata of the sample; None if the file has no such fields.
        warnings: What was assumed or left out.
        fingerprints: Fingerprints of the polygons or points; none for a raster.
    """

    kind: str
    labels: tuple[str, ...]
    classes: tuple[ModelClass, ...]
    row: NDArray[np.int64]
    column: NDArray[np.int64]
    label: NDArray[np.int64]
    unit: NDArray[np.int64]
    weight: NDArray[np.float64]
    strata: Strata | None
    warnings: tuple[str, ...]
    fingerprints: Sequence[str] = ()


def read_references(path: str, field: str, grid: Grid) -> References:
    """Reads a reference layer.

    Args:
        path: Vector file of polygons or points, or a class raster.
        field: Field with the class; if empty, `reference`, the field of our samples. Not needed for rasters.
        grid: The map's grid.

    Raises:
        EngineError: See `read_labels` and `LabelLayer.pixels`.
    """
    field = field or (REFERENCE if REFERENCE in _fields(path) else "")
    layer = read_labels(path, field, purpose=_PURPOSE, least=1)
    pixels = layer.pixels(grid, _PIXELS)
    totals = np.array(pixels.totals or np.bincount(pixels.label, minlength=len(layer.classes)))
    drawn = np.bincount(pixels.label, minlength=len(layer.classes))
    strata, warnings = None, list(layer.warnings)
    if layer.kind == "points" and {STRATUM, WEIGHT} <= set(_fields(path)):
        strata = _strata(path, field, pixels.unit)
        if strata is None:
            warnings.append(
                f"The references {path} have the fields '{STRATUM}' and '{WEIGHT}' of a drawn sample, but some points "
                "lack one of them. The strata cannot be used, and the figures may not apply to the whole map. Remove "
                "points that were not drawn, or fill in both fields."
            )
    return References(
        layer.kind,
        layer.labels,
        layer.classes,
        pixels.row,
        pixels.column,
        pixels.label.astype(np.int64),
        pixels.unit.astype(np.int64),
        (totals / np.maximum(drawn, 1))[pixels.label],
        strata,
        tuple(warnings),
        layer.fingerprints(),
    )


def _fields(path: str) -> Sequence[str]:
    """Names of a vector file's fields; empty for a raster."""
    try:
        file, layer = find_layer(path, _PURPOSE)
        return [str(name) for name in pyogrio.read_info(file, layer=layer)["fields"]]
    except (DataSourceError, DataLayerError, ValueError):
        return []


def _strata(path: str, field: str, unit: NDArray[Any]) -> Strata | None:
    """The strata of labelled points; None if the fields are not filled in everywhere."""
    features = read_features(path, _PURPOSE, POINTS)
    labelled = [bool(labels) for labels in field_labels(features, field, False).labels]
    try:
        weight = np.ma.filled(np.ma.asarray(features.fields[WEIGHT]).astype(float), np.nan)
    except (TypeError, ValueError):
        return None
    stratum = [_text(value) for value in features.fields[STRATUM].tolist()]
    if not (np.isfinite(weight) & (weight > 0)).all() or not all(stratum):
        return None
    names, place = np.unique(np.array(stratum), return_inverse=True)
    # Sum over all points, labelled or not, as the weights of the whole sample add up to the size of the stratum.
    pixels = np.bincount(place, weight).astype(float)
    return Strata(tuple(map(str, names)), pixels, place[np.flatnonzero(labelled)][unit])


def _text(value: Any) -> str:
    if value is None or value != value:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()

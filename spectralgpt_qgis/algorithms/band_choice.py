"""Reads and checks the bands that a user chose instead of the automatic matching."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from qgis.core import QgsMapLayer

from ..i18n import tr
from ..installed_model import InstalledModel
from ..raster_source import is_picture

_COLOURS = 3  # bands of a picture that a web service draws


def band_list(value: Any) -> list[int] | None:
    """Band numbers from a parameter's value, a text such as "2, 3, 4" or a list; None if it is invalid."""
    parts = re.split(r"[\s,;]+", value.strip()) if isinstance(value, str) else value
    if parts in (None, [""]):
        return []
    if not isinstance(parts, (list, tuple)):
        parts = [parts]
    try:
        numbers = [int(part) for part in parts]
    except (TypeError, ValueError):
        return None
    return numbers if all(number > 0 for number in numbers) else None


def wrong_band_count(model: InstalledModel, given: int, parameter: str) -> str:
    """Message for a model that needs another number of bands than the `given` number chosen in `parameter`."""
    return tr(
        "The model '{model}' needs {expected} bands in this order: {bands}. {given} bands were chosen for "
        "{parameter}. Choose one raster band for each, or none to match them automatically."
    ).format(
        model=model.title,
        expected=len(model.bands),
        bands=", ".join(model.bands),
        given=given,
        parameter=parameter,
    )


def wrong_picture(model: InstalledModel | None, layers: Iterable[QgsMapLayer | None]) -> str:
    """Message if a layer is a picture with too few bands for the model; empty if none is, or the model is not known."""
    if model is None or len(model.bands) <= _COLOURS:
        return ""
    for layer in filter(is_picture, layers):
        return tr(
            "The layer '{layer}' is an image rendered by a web service, with only red, green and blue. The model "
            "'{model}' needs {expected} measured bands: {bands}. Use the original imagery, as a GeoTIFF or from a "
            "coverage service (WCS)."
        ).format(
            layer=layer.name(),
            model=model.title,
            expected=len(model.bands),
            bands=", ".join(model.bands),
        )
    return ""

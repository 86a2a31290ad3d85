"""The bands that a user chose for a model, where they are not matched automatically."""

from __future__ import annotations

import re
from typing import Any

from ..i18n import tr
from ..installed_model import InstalledModel


def band_list(value: Any) -> list[int] | None:
    """Band numbers of a parameter's value, a text such as "2, 3, 4" or a list; None when it is neither."""
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
    """What to do where `given` bands were chosen in `parameter`, and the model takes another number."""
    return tr(
        "The model '{model}' needs {expected} bands in this order: {bands}. {given} were chosen for "
        "{parameter}. Choose one raster band for each, or none to have them matched automatically."
    ).format(
        model=model.title,
        expected=len(model.bands),
        bands=", ".join(model.bands),
        given=given,
        parameter=parameter,
    )

"""Formats numbers for reports in the reader's language; unknown values become a dash."""

from __future__ import annotations

import math

from ..language import decimal_sign

UNKNOWN = "–"
_THIN_SPACE = "\u202f"


def count(value: float) -> str:
    """An integer with separated thousands: 12 345."""
    return f"{round(value):,}".replace(",", _THIN_SPACE) if math.isfinite(value) else UNKNOWN


def decimal(value: float, digits: int = 3) -> str:
    """A number with a fixed number of decimals and separated thousands."""
    return _written(f"{value:,.{digits}f}") if math.isfinite(value) else UNKNOWN


def figure(value: float, digits: int = 6) -> str:
    """A number with at most so many significant digits: 0.25, 1e-05."""
    return _written(f"{value:.{digits}g}") if math.isfinite(value) else UNKNOWN


def percent(value: float, digits: int = 1) -> str:
    """A share 0..1 in percent."""
    return f"{decimal(value * 100, digits)} %" if math.isfinite(value) else UNKNOWN


def between(low: float, high: float, digits: int = 3) -> str:
    """An interval: 0.912–0.947."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return UNKNOWN
    return f"{decimal(low, digits)}–{decimal(high, digits)}"


def _written(number: str) -> str:
    """Replaces the thousands and decimal separators of a number as Python writes it."""
    return number.replace(",", _THIN_SPACE).replace(".", decimal_sign())

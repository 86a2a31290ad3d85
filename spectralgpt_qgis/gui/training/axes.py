"""Ticks and limits of an axis, at round numbers."""

from __future__ import annotations

import math


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Ticks within the limits, at multiples of 1, 2 or 5 times a power of ten.

    Args:
        low: Lower limit.
        high: Upper limit, greater than the lower one.
        most: Maximum number of ticks, at least 2.
    """
    step = _step(high - low, most)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(number * step, 10) for number in range(first, last + 1)]


def whole_ticks(last: int, most: int = 8) -> list[int]:
    """Ticks at whole numbers from 0 to `last`."""
    step = max(1, math.ceil(_step(max(last, 1), most)))
    return list(range(0, last + 1, step))


def limits(values: list[float], most: int = 5) -> tuple[float, float]:
    """Round limits that include all values, and 0 if the values come near it.

    Args:
        values: At least one value.
        most: Maximum number of ticks.
    """
    low, high = min(values), max(values)
    if high <= low:
        low, high = low - 0.5 * abs(low or 1), high + 0.5 * abs(high or 1)
    low = 0.0 if 0 <= low < 0.4 * high else low
    step = _step(high - low, most)
    return math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step


def _step(span: float, most: int) -> float:
    """The smallest round step that yields no more than `most` ticks."""
    rough = span / max(most - 1, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))

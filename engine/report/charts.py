"""Layout of charts: positions of lines, bars and ticks in SVG units; the template draws them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from unicodedata import east_asian_width

import numpy as np
from numpy.typing import NDArray

from .blocks import Bar, Bars, Curves, Matrix
from .numerals import count, decimal, figure

WIDTH, HEIGHT = 640.0, 300.0
LEFT, RIGHT, TOP, BOTTOM = 64.0, 12.0, 12.0, 44.0
COLOURS = 8  # number of line colours in the style sheet

BAR_STEP, BAR_HEIGHT, BAR_LEFT, BAR_RIGHT = 26.0, 16.0, 180.0, 96.0
_NAME_WIDTH = 14.0  # width between the edge and the bars, in font sizes
_LATIN_WIDTH = 0.6  # mean width of a Latin letter, in font sizes


@dataclass(frozen=True)
class Tick:
    """A mark on an axis."""

    place: float
    label: str


@dataclass(frozen=True)
class Line:
    """One series: the pieces of its path, and isolated points."""

    name: str
    colour: int
    paths: tuple[str, ...]
    dots: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class CurvePlot:
    """Layout of a line chart."""

    lines: tuple[Line, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]


@dataclass(frozen=True)
class PlacedBar:
    """A bar with its top, its length, and the ends of its interval."""

    name: str
    full_name: str
    label: str
    colour: str
    top: float
    length: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class BarPlot:
    """Layout of a bar chart."""

    height: float
    bars: tuple[PlacedBar, ...]


@dataclass(frozen=True)
class Cell:
    """A cell of a matrix: its text, the strength of its shading (0..1), and whether it is on the diagonal."""

    label: str
    share: float
    hit: bool


@dataclass(frozen=True)
class MatrixRow:
    """A row of a matrix with its sum."""

    name: str
    cells: tuple[Cell, ...]
    total: str


@dataclass(frozen=True)
class MatrixPlot:
    """A matrix whose cells are shaded by their share of the row."""

    rows: tuple[MatrixRow, ...]
    totals: tuple[str, ...]
    total: str


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Positions of ticks that span `low`..`high`, spaced by 1, 2 or 5 times a power of ten.

    Args:
        low: Smallest value, finite.
        high: Largest value, finite; equal to `low` for a single value.
        most: Most intervals between ticks.
    """
    if high <= low:
        margin = abs(low) * 0.1 or 1.0
        low, high = low - margin, high + margin
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    # The next power of ten is always large enough, so a step is found.
    step = next(s for s in (power, 2 * power, 5 * power, 10 * power) if (high - low) / s <= most)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [float(f"{number * step:.12g}") for number in range(first, last + 1)]


def curve_plot(curves: Curves) -> CurvePlot | None:
    """Lays out a line chart; None if it has no finite values."""
    points = {
        name: np.asarray([tuple(point) for point in series], float).reshape(-1, 2)
        for name, series in curves.series.items()
    }
    finite = [item[np.isfinite(item).all(axis=1)] for item in points.values()]
    known = np.concatenate(finite) if finite else np.empty((0, 2))
    if not len(known):
        return None
    x_marks, y_marks = (
        ticks(known[:, 0].min(), known[:, 0].max(), 8),
        ticks(known[:, 1].min(), known[:, 1].max()),
    )
    x_scale = (WIDTH - LEFT - RIGHT) / (x_marks[-1] - x_marks[0])
    y_scale = (HEIGHT - TOP - BOTTOM) / (y_marks[-1] - y_marks[0])

    def place(values: NDArray[Any]) -> NDArray[Any]:
        x = LEFT + (values[:, 0] - x_marks[0]) * x_scale
        y = HEIGHT - BOTTOM - (values[:, 1] - y_marks[0]) * y_scale
        return np.round(np.stack([x, y], axis=1), 2)

    return CurvePlot(
        tuple(
            _line(name, number % COLOURS, place(item))
            for number, (name, item) in enumerate(points.items())
        ),
        tuple(Tick(round(LEFT + (x - x_marks[0]) * x_scale, 2), figure(x)) for x in x_marks),
        tuple(
            Tick(round(HEIGHT - BOTTOM - (y - y_marks[0]) * y_scale, 2), figure(y)) for y in y_marks
        ),
    )


def bar_plot(bars: Bars) -> BarPlot | None:
    """Lays out a bar chart; None if it has no bars."""
    if not bars.bars:
        return None
    ends = [v for bar in bars.bars for v in (bar.value, bar.high or 0.0) if math.isfinite(v)]
    longest = bars.maximum or max(ends, default=0.0) or 1.0
    scale = (WIDTH - BAR_LEFT - BAR_RIGHT) / longest
    placed = tuple(
        _bar(bar, number * BAR_STEP + (BAR_STEP - BAR_HEIGHT) / 2, scale, longest, bars.digits)
        for number, bar in enumerate(bars.bars)
    )
    return BarPlot(len(placed) * BAR_STEP, placed)


def matrix_plot(matrix: Matrix) -> MatrixPlot:
    """Shades and labels a confusion matrix."""
    counts = np.asarray(matrix.counts)
    whole = bool((counts == np.round(counts)).all())
    sums = counts.sum(axis=1, keepdims=True).astype(float)
    shares = np.divide(counts, sums, out=np.zeros(counts.shape), where=sums > 0)

    def label(value: float) -> str:
        return count(value) if whole else decimal(value, 4)

    return MatrixPlot(
        tuple(
            MatrixRow(
                name,
                tuple(
                    Cell(label(value), round(float(shares[row, column]), 3), row == column)
                    for column, value in enumerate(counts[row])
                ),
                label(counts[row].sum()),
            )
            for row, name in enumerate(matrix.names)
        ),
        tuple(label(value) for value in counts.sum(axis=0)),
        label(counts.sum()),
    )


def _line(name: str, colour: int, places: NDArray[Any]) -> Line:
    known: NDArray[Any] = np.isfinite(places).all(axis=1)
    paths, dots = [], []
    for piece in _runs(known):
        part = places[piece]
        if len(part) == 1:
            dots.append((float(part[0, 0]), float(part[0, 1])))
        else:
            paths.append("M" + "L".join(f"{x:g},{y:g}" for x, y in part))
    return Line(name, colour, tuple(paths), tuple(dots))


def _runs(known: NDArray[Any]) -> Sequence[slice]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], known, [False]]).astype(int)))
    return [slice(start, end) for start, end in zip(edges[::2], edges[1::2])]


def _bar(bar: Bar, top: float, scale: float, longest: float, digits: int) -> PlacedBar:
    def end(value: float | None) -> float | None:
        if value is None or not math.isfinite(value):
            return None
        return round(min(max(value, 0.0), longest) * scale, 2)

    return PlacedBar(
        _shortened(bar.name),
        bar.name,
        decimal(bar.value, digits),
        bar.color,
        top,
        end(bar.value) or 0.0,
        end(bar.low) if bar.high is not None else None,
        end(bar.high) if bar.low is not None else None,
    )


def _shortened(name: str) -> str:
    """Shortens a name to the available width; a Chinese character is wider than a letter."""
    widths = [1.0 if east_asian_width(sign) in "WF" else _LATIN_WIDTH for sign in name]
    if sum(widths) <= _NAME_WIDTH:
        return name
    ends = np.cumsum(widths) + _LATIN_WIDTH
    return name[: int((ends <= _NAME_WIDTH).sum())] + "…"

"""Building blocks of a report's sections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Union


@dataclass(frozen=True)
class Text:
    """Paragraphs."""

    paragraphs: Sequence[str]


@dataclass(frozen=True)
class Warnings:
    """Warnings that a reader should know before trusting the report; shows nothing if there are none."""

    messages: Sequence[str]


@dataclass(frozen=True)
class Facts:
    """Names and values: settings, sizes, headline figures."""

    rows: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Table:
    """A table; the first column names the row, the others are aligned as numbers."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""


@dataclass(frozen=True)
class Curves:
    """A line chart; a value that is not finite interrupts its line.

    Attributes:
        title: Title above the chart.
        series: Points (x, y) of each line, by its name.
        x_label: Label of the horizontal axis.
        y_label: Label of the vertical axis.
    """

    title: str
    series: Mapping[str, Sequence[tuple[float, float]]]
    x_label: str = ""
    y_label: str = ""


@dataclass(frozen=True)
class Matrix:
    """A confusion matrix: rows true, columns mapped.

    Attributes:
        names: Names of the classes [K].
        counts: Numbers [K, K], a numpy array or nested sequences; may be fractional.
        caption: Text above the matrix.
    """

    names: Sequence[str]
    counts: Any
    caption: str = ""


@dataclass(frozen=True)
class Bar:
    """A bar, with an interval if `low` and `high` are given, in the class's colour if `color` is."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    color: str = ""


@dataclass(frozen=True)
class Bars:
    """A chart of horizontal bars from zero.

    Attributes:
        title: Title above the chart.
        bars: The bars from top to bottom.
        maximum: End of the axis; None for the largest value.
        digits: Number of decimals of the values beside the bars.
    """

    title: str
    bars: Sequence[Bar]
    maximum: float | None = None
    digits: int = 3


@dataclass(frozen=True)
class Picture:
    """A PNG picture, embedded."""

    png: bytes
    caption: str = ""


@dataclass(frozen=True)
class Code:
    """Text to be copied verbatim, such as commands and settings."""

    text: str


Block = Union[Text, Warnings, Facts, Table, Curves, Matrix, Bars, Picture, Code]


@dataclass(frozen=True)
class Section:
    """A titled part of a report."""

    title: str
    blocks: Sequence[Block]

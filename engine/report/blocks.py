"""What a section of a report is made of."""

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
    """What a reader has to know before trusting the rest; none shows nothing."""

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
    """Lines over a common horizontal axis; a value that is not finite interrupts its line.

    Attributes:
        title: Above the chart.
        series: Points (x, y) by the line's name.
        x_label: Under the horizontal axis.
        y_label: Beside the vertical axis.
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
        counts: Numbers [K, K], a numpy array or nested sequences; whole or not.
        caption: Above the matrix.
    """

    names: Sequence[str]
    counts: Any
    caption: str = ""


@dataclass(frozen=True)
class Bar:
    """One bar, with an interval when `low` and `high` are given, in the class's colour when `color` is."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    color: str = ""


@dataclass(frozen=True)
class Bars:
    """Horizontal bars from zero.

    Attributes:
        title: Above the chart.
        bars: From top to bottom.
        maximum: End of the axis; absent = the largest value.
        digits: Decimals of the values written beside the bars.
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
    """Text that is to be copied as it stands: commands, settings."""

    text: str


Block = Union[Text, Warnings, Facts, Table, Curves, Matrix, Bars, Picture, Code]


@dataclass(frozen=True)
class Section:
    """A titled part of a report."""

    title: str
    blocks: Sequence[Block]

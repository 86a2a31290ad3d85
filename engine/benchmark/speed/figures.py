"""Results of a part of the speed benchmark: rows of medians, and ratios between rows of the same run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any


@dataclass(frozen=True)
class Row:
    """A quantity that was measured several times.

    Attributes:
        name: Name of the quantity.
        unit: Unit of the values.
        values: One value per repeat.
        note: Further information, such as the backend.
    """

    name: str
    unit: str
    values: tuple[float, ...]
    note: str = ""

    @property
    def median(self) -> float:
        """Median of the values."""
        return median(self.values)


@dataclass
class Figures:
    """The rows of a part, and the ratios that its targets refer to.

    Attributes:
        title: Title for the heading.
        about: How it was measured.
        rows: The rows, in the order in which they were added.
        ratios: Pairs of (name, value).
    """

    title: str
    about: str
    rows: list[Row] = field(default_factory=list)
    ratios: list[tuple[str, float]] = field(default_factory=list)

    def add(self, name: str, unit: str, values: Sequence[float], note: str = "") -> Row:
        """Adds a row and returns it."""
        self.rows.append(Row(name, unit, tuple(values), note))
        return self.rows[-1]

    def ratio(self, what: str, over: Row, under: Row) -> None:
        """Adds the ratio of two medians, `over` divided by `under`."""
        self.ratios.append((what, over.median / under.median))

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        rows = [{**asdict(row), "median": row.median} for row in self.rows]
        return {"title": self.title, "about": self.about, "rows": rows, "ratios": self.ratios}

    def to_markdown(self) -> list[str]:
        """A heading and two tables."""
        lines = [f"## {self.title}", "", self.about, ""]
        lines += ["| measured | median | range | note |", "| --- | --- | --- | --- |"]
        for row in self.rows:
            spread = f"{min(row.values):.3g} to {max(row.values):.3g} ({len(row.values)})"
            lines.append(f"| {row.name} | {row.median:.4g} {row.unit} | {spread} | {row.note} |")
        if self.ratios:
            lines += ["", "| ratio | |", "| --- | --- |"]
            lines += [f"| {what} | {value:.3g} |" for what, value in self.ratios]
        return [*lines, ""]

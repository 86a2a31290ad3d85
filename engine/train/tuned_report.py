"""The report of a fine-tuning: how good the model is, on what it was judged, and how to repeat it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..cards import Card, ModelClass
from ..report.command import command_line
from ..report.document import (
    Bar,
    Bars,
    Block,
    Code,
    Curves,
    Facts,
    Matrix,
    Picture,
    Section,
    Table,
    Text,
    Warnings,
    render,
)
from ..report.numerals import count, decimal, percent
from ..training_jobs import FinetuneJob

_LOSS = ("loss",)
_METHODS = {
    "quick": "quick: a head on the frozen backbone",
    "adapters": "adapters: few weights of the backbone learned along",
    "full": "full: all weights learned",
}


@dataclass(frozen=True)
class Example:
    """A piece of ground beside what the model makes of it.

    Attributes:
        png: Imagery with the labels, and the map.
        caption: Which raster, and where.
    """

    png: bytes
    caption: str


@dataclass(frozen=True)
class Run:
    """All that a report tells.

    Attributes:
        job: What was asked.
        card: Of the finished model.
        method: That was used. reason: Why, for "auto".
        matrix: On held-back labels, true classes in rows; None without any.
        history: Figures of each epoch.
        warnings: What the user must know.
        facts: Names and values about the training.
        examples: Pictures.
    """

    job: FinetuneJob
    card: Card
    method: str
    reason: str
    matrix: NDArray[np.int64] | None
    history: Sequence[dict[str, float]]
    warnings: Sequence[str]
    facts: Sequence[tuple[str, str]]
    examples: Sequence[Example] = ()


def write_report(path: Path, run: Run) -> None:
    """Writes the report, one HTML file, to a staged path."""
    card = run.card
    sections = [
        Section("Result", [Facts(_headline(run)), Warnings(run.warnings), *_judged(run)]),
        *_curves(run.history),
        Section("Classes", [_labelled(card), _colours(card.classes, card.training["labelled"])]),
        *_examples(run.examples),
        Section("Data and settings", [Facts(run.facts)]),
        Section(
            "Run it again",
            [
                Text(["With the engine's Python, in the plugin's folder:"]),
                Code(command_line(run.job)),
            ],
        ),
    ]
    subtitle = f"{card.task.replace('-', ' ')}, {len(card.classes)} classes"
    path.write_text(render(card.title, subtitle, sections, card.version), encoding="utf-8")


def _headline(run: Run) -> list[tuple[str, str]]:
    accuracy = run.card.accuracy
    rows = [("Method", _METHODS[run.method] + (f" ({run.reason})" if run.reason else ""))]
    if run.matrix is None and "map" not in accuracy:
        return [*rows, ("Accuracy", "not known: no labels could be held back")]
    for name, title in (
        ("overall_accuracy", "Overall accuracy"),
        ("miou", "Mean IoU"),
        ("macro_f1", "Mean F1"),
        ("kappa", "Kappa"),
        ("map", "Mean average precision"),
    ):
        if accuracy.get(name) is not None:
            value = accuracy[name]
            rows.append((title, percent(value) if name == "overall_accuracy" else decimal(value)))
    return [*rows, ("Judged on", str(accuracy.get("measure", "")))]


def _judged(run: Run) -> list[Block]:
    if run.matrix is None:
        return []
    classes = run.card.accuracy["classes"]
    header = ("Class", "Precision", "Recall", "F1", "IoU")
    rows = [
        (
            item.title,
            *(_figure(classes[item.title][name]) for name in ("precision", "recall", "f1", "iou")),
        )
        for item in run.card.classes
    ]
    names = [item.title for item in run.card.classes]
    what = "Held-back scenes" if run.card.task == "scene-classification" else "Held-back pixels"
    return [
        Table(header, rows, "Precision is the user's accuracy, recall the producer's."),
        Matrix(names, run.matrix, what),
    ]


def _curves(history: Sequence[dict[str, float]]) -> list[Section]:
    if not history:
        return []
    names = sorted(
        {name for entry in history for name in entry if name != "epoch" and "/" not in name}
    )
    lines = {
        name: [(n + 1.0, entry[name]) for n, entry in enumerate(history) if name in entry]
        for name in names
    }
    losses = {name: line for name, line in lines.items() if name in _LOSS}
    rest = {name: line for name, line in lines.items() if name.startswith("val_")}
    blocks: list[Block] = [Curves("Loss", losses, "epoch", "loss")]
    if rest:
        blocks.append(Curves("On held-back labels", rest, "epoch", ""))
    return [Section("Training", blocks)]


def _labelled(card: Card) -> Table:
    counts: dict[str, Any] = card.training["labelled"]
    rows = [(item.title, count(counts.get(item.title, 0)), item.color) for item in card.classes]
    unit = "Scenes" if card.task == "scene-classification" else "Labelled pixels"
    return Table(("Class", unit, "Colour"), rows)


def _colours(classes: Sequence[ModelClass], counts: dict[str, int]) -> Bars:
    bars = [Bar(item.title, float(counts.get(item.title, 0)), color=item.color) for item in classes]
    return Bars("Labels of each class", bars, digits=0)


def _examples(examples: Sequence[Example]) -> list[Section]:
    if not examples:
        return []
    blocks = [Picture(example.png, example.caption) for example in examples]
    return [Section("Examples", blocks)]


def _figure(value: float | None) -> str:
    return "–" if value is None else decimal(value)

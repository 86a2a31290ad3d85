"""The report of a fine-tuning: how accurate the model is, how that was measured, and how to repeat it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..cards import Card, ModelClass
from ..language import told, tr
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
    write,
)
from ..report.numerals import count, decimal, percent
from ..training_jobs import FinetuneJob


@dataclass(frozen=True)
class Example:
    """A picture of a window.

    Attributes:
        png: Imagery, labels and the model's map side by side.
        caption: Raster and position of the window.
    """

    png: bytes
    caption: str


@dataclass(frozen=True)
class Run:
    """The content of a report.

    Attributes:
        job: The checked job.
        card: Card of the finished model.
        method: The method that was used.
        reason: Why "auto" chose this method.
        matrix: Confusion matrix on held-out labels, true classes in rows; None without any.
        history: Figures of each epoch.
        warnings: Warnings to the user.
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
    """Writes the report, one HTML file, to a staged path.

    Raises:
        OutputNotWritable: The file cannot be written.
        DiskFull: The disk is full.
    """
    card = run.card
    sections = [
        Section(
            tr("Result"),
            [Facts(_headline(run)), Warnings([*map(told, run.warnings)]), *_judged(run)],
        ),
        *_curves(run.history),
        Section(
            tr("Classes"), [_labelled(card), _colours(card.classes, card.training["labelled"])]
        ),
        *_examples(run.examples),
        Section(tr("Data and settings"), [Facts(run.facts)]),
        Section(
            tr("Run again"),
            [
                Text([tr("With the engine's Python, in the plugin folder:")]),
                Code(command_line(run.job)),
            ],
        ),
    ]
    write(path, card.title, _subject(card), sections, card.version)


def _subject(card: Card) -> str:
    text = {
        "segmentation": tr("Segmentation, {classes} classes"),
        "scene-classification": tr("Scene classification, {classes} classes"),
        "change-detection": tr("Change detection, {classes} classes"),
    }[card.task]
    return text.format(classes=len(card.classes))


def _method(run: Run) -> str:
    text = {
        "quick": tr("quick: a head on an unchanged backbone"),
        "adapters": tr("adapters: a small part of the backbone is trained"),
        "full": tr("full: all weights are trained"),
    }[run.method]
    return text + (f" ({told(run.reason)})" if run.reason else "")


def _headline(run: Run) -> list[tuple[str, str]]:
    accuracy = run.card.accuracy
    rows = [(tr("Method"), _method(run))]
    if run.matrix is None and "map" not in accuracy:
        return [*rows, (tr("Accuracy"), tr("not known: no labels could be held back"))]
    for name, title in (
        ("overall_accuracy", tr("Overall accuracy")),
        ("miou", tr("Mean overlap (IoU)")),
        ("macro_f1", tr("Mean F1")),
        ("kappa", tr("Kappa")),
        ("map", tr("Mean average precision")),
    ):
        if accuracy.get(name) is not None:
            value = accuracy[name]
            rows.append((title, percent(value) if name == "overall_accuracy" else decimal(value)))
    return [*rows, (tr("Assessed on"), told(str(accuracy.get("measure", ""))))]


def _judged(run: Run) -> list[Block]:
    if run.matrix is None:
        return []
    classes = run.card.accuracy["classes"]
    header = (
        tr("Class"),
        tr("Precision (user's accuracy)"),
        tr("Recall (producer's accuracy)"),
        "F1",
        tr("Overlap (IoU)"),
    )
    rows = [
        (
            item.title,
            *(_figure(classes[item.title][name]) for name in ("precision", "recall", "f1", "iou")),
        )
        for item in run.card.classes
    ]
    names = [item.title for item in run.card.classes]
    scenes = run.card.task == "scene-classification"
    return [
        Table(header, rows),
        Matrix(names, run.matrix, tr("Held-back scenes") if scenes else tr("Held-back pixels")),
    ]


def _curves(history: Sequence[dict[str, float]]) -> list[Section]:
    if not history:
        return []
    names = {
        "val_accuracy": tr("Overall accuracy"),
        "val_miou": tr("Mean overlap (IoU)"),
        "val_map": tr("Mean average precision"),
    }
    lines = {name: line for key, name in names.items() if (line := _line(history, key))}
    losses = {tr("loss"): _line(history, "loss")}
    blocks: list[Block] = [Curves(tr("Loss"), losses, tr("epoch"), tr("loss"))]
    if lines:
        blocks.append(Curves(tr("On held-back labels"), lines, tr("epoch")))
    return [Section(tr("Training"), blocks)]


def _line(history: Sequence[dict[str, float]], name: str) -> list[tuple[float, float]]:
    return [(float(n), entry[name]) for n, entry in enumerate(history, 1) if name in entry]


def _labelled(card: Card) -> Table:
    counts: dict[str, Any] = card.training["labelled"]
    rows = [(item.title, count(counts.get(item.title, 0)), item.color) for item in card.classes]
    unit = tr("Scenes") if card.task == "scene-classification" else tr("Labelled pixels")
    return Table((tr("Class"), unit, tr("Colour")), rows)


def _colours(classes: Sequence[ModelClass], counts: dict[str, int]) -> Bars:
    bars = [Bar(item.title, float(counts.get(item.title, 0)), color=item.color) for item in classes]
    return Bars(tr("Labels of each class"), bars, digits=0)


def _examples(examples: Sequence[Example]) -> list[Section]:
    if not examples:
        return []
    blocks = [Picture(example.png, example.caption) for example in examples]
    return [Section(tr("Examples"), blocks)]


def _figure(value: float | None) -> str:
    return "–" if value is None else decimal(value)

"""The report and the table of an evaluation."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from ..infer.staging import CSV_ENCODING, write_error
from ..jobs import EvaluateJob
from ..language import told, tr
from ..logins import file_name
from ..report.command import command_line
from ..report.document import (
    Bar,
    Bars,
    Code,
    Facts,
    Matrix,
    Section,
    Table,
    Text,
    Warnings,
    write,
)
from ..report.numerals import between, count, decimal
from .accuracy import Accuracy
from .class_raster import MapClass
from .intervals import Estimate
from .judgement import Adjusted

_HECTARE = 10_000


def write_report(
    path: Path,
    job: EvaluateJob,
    classes: Sequence[MapClass],
    accuracy: Accuracy,
    adjusted: Adjusted | None,
    facts: Sequence[tuple[str, str]],
    warnings: Sequence[str],
) -> None:
    """Writes the report.

    Args:
        path: File to write.
        job: The checked job.
        classes: Classes of the matrix [K].
        accuracy: Figures with equal weight of all samples.
        adjusted: Area-adjusted figures, if the sampling design allows them.
        facts: What was compared, and how.
        warnings: Warnings to the reader.
    """
    names = [item.name for item in classes]
    level = f"{job.confidence} %"
    samples = tr("Reference samples")
    sections = [
        Section(
            tr("Summary"),
            [Facts(_headline(accuracy, adjusted, level)), Warnings([*map(told, warnings)])],
        ),
        *([_adjusted(names, adjusted, level)] if adjusted else []),
        Section(tr("Confusion matrix"), [Matrix(names, accuracy.matrix, samples)]),
        Section(tr("Classes"), [_classes(names, accuracy), _bars(classes, accuracy)]),
        Section(
            tr("How it was made"),
            [
                Facts(facts),
                Text(
                    [
                        tr(
                            "Precision (user's accuracy) is the share of the pixels mapped as a class that really "
                            "belong to it. Recall (producer's accuracy) is the share of the pixels of a class that "
                            "were mapped as this class. Means are over the classes that occur in the references or "
                            "in the map."
                        )
                    ]
                ),
                Code(command_line(job)),
            ],
        ),
    ]
    subject = file_name(job.input)
    if job.model:
        subject = tr("{raster}, mapped with {model}").format(raster=subject, model=job.model)
    write(path, tr("Accuracy of a class map"), subject, sections)


def write_table(path: Path, classes: Sequence[MapClass], accuracy: Accuracy) -> None:
    """Writes the confusion matrix as CSV: rows true, columns mapped, names in the first row and column."""
    names = [item.name for item in classes]
    try:
        with path.open("w", newline="", encoding=CSV_ENCODING) as file:
            table = csv.writer(file)
            table.writerow(["true \\ mapped", *names])
            for name, row in zip(names, accuracy.matrix):
                table.writerow([name, *map(int, row)])
    except OSError as error:
        raise write_error(path, error) from error


def _headline(accuracy: Accuracy, adjusted: Adjusted | None, level: str) -> list[tuple[str, str]]:
    plain = _told(accuracy.overall, level)
    figures = decimal(accuracy.kappa), decimal(accuracy.mean_iou), decimal(accuracy.macro_f1)
    if adjusted:
        rows = [
            (tr("Overall accuracy, area-adjusted"), _told(adjusted.figures.overall, level)),
            (tr("Overall accuracy of the sample"), plain),
        ]
        names = (
            tr("Kappa of the sample"),
            tr("Mean overlap (IoU) of the sample"),
            tr("Mean F1 of the sample"),
        )
    else:
        rows = [(tr("Overall accuracy"), plain)]
        names = tr("Kappa"), tr("Mean overlap (IoU)"), tr("Mean F1")
    return [*rows, *zip(names, figures), (tr("Reference samples"), count(accuracy.matrix.sum()))]


def _adjusted(names: Sequence[str], adjusted: Adjusted, level: str) -> Section:
    figures = adjusted.figures
    digits = 0 if adjusted.mapped.sum() >= 10_000 * _HECTARE else 2
    rows = [
        (
            name,
            _cell(figures.user[place]),
            _cell(figures.producer[place]),
            decimal(adjusted.mapped[place] / _HECTARE, digits),
            decimal(figures.area[place].value / _HECTARE, digits),
            between(
                figures.area[place].low / _HECTARE, figures.area[place].high / _HECTARE, digits
            ),
        )
        for place, name in enumerate(names)
    ]
    header = (
        tr("Class"),
        tr("User's accuracy"),
        tr("Producer's accuracy"),
        tr("Mapped, ha"),
        tr("Estimated, ha"),
        tr("{level} interval, ha").format(level=level),
    )
    return Section(
        tr("Area-adjusted accuracy and areas"),
        [
            Text(
                [
                    tr(
                        "Estimates for the whole map from the stratified sample (Olofsson et al. 2014, Remote "
                        "Sensing of Environment 148, 42–57). Each class is weighted by its area, not by its number "
                        "of points. The estimated areas are corrected for the errors of the map: report these areas "
                        "together with their intervals."
                    )
                ]
            ),
            Table(header, rows, tr("Intervals: {level}").format(level=level)),
            Matrix(names, figures.proportions, tr("Estimated shares of the total area")),
        ],
    )


def _classes(names: Sequence[str], accuracy: Accuracy) -> Table:
    rows = [
        (
            name,
            count(accuracy.matrix[place].sum()),
            count(accuracy.matrix[:, place].sum()),
            _cell(accuracy.precision[place]),
            _cell(accuracy.recall[place]),
            decimal(accuracy.f1[place]),
            decimal(accuracy.iou[place]),
        )
        for place, name in enumerate(names)
    ]
    header = (
        tr("Class"),
        tr("Reference"),
        tr("Mapped"),
        tr("Precision (user's accuracy)"),
        tr("Recall (producer's accuracy)"),
        "F1",
        tr("Overlap (IoU)"),
    )
    return Table(header, rows)


def _bars(classes: Sequence[MapClass], accuracy: Accuracy) -> Bars:
    return Bars(
        tr("F1 of each class"),
        [
            Bar(item.name, float(value), color=item.color)
            for item, value in zip(classes, accuracy.f1)
        ],
        1.0,
    )


def _cell(estimate: Estimate) -> str:
    interval = between(estimate.low, estimate.high)
    return decimal(estimate.value) + (f" ({interval})" if estimate.low == estimate.low else "")


def _told(estimate: Estimate, level: str) -> str:
    if estimate.low != estimate.low:
        return decimal(estimate.value)
    return tr("{value} ({level} interval {interval})").format(
        value=decimal(estimate.value), level=level, interval=between(estimate.low, estimate.high)
    )

"""The verb `evaluate`: accuracy of a class map, or of a model's map, against a reference."""

from __future__ import annotations

import dataclasses
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rasterio.windows import Window

from ..data.grid import Grid
from ..data.opening import grid_of, open_raster
from ..errors import InvalidParameter
from ..infer.segment import segment
from ..infer.staging import CSV, StagedOutputs
from ..jobs import EvaluateJob, SegmentJob
from ..language import speaking, tr
from ..progress import Progress
from ..report.numerals import count
from ..train.metrics import confusion_matrix
from .accuracy import Accuracy, accuracy_of_clusters, accuracy_of_matrix
from .class_raster import open_class_raster
from .comparison import Comparison, compare
from .evaluation_report import write_report, write_table
from .judgement import Adjusted, adjust, described, described_adjusted
from .references import References, read_references
from .training_labels import warn_of_training_labels

HTML = (".html", ".htm")
_FEW = 10  # polygons; with fewer, intervals are unreliable
_MARGIN = 256  # pixels to map around the references, to avoid edge effects
_KINDS = {"polygons": "polygons", "points": "points", "raster": "a class raster"}


def evaluate(job: EvaluateJob, progress: Progress) -> dict[str, Any]:
    """Compares a class map with a reference.

    Args:
        job: The checked job; if it has a model, the map is made first, and deleted afterwards.
        progress: Takes progress, log and warnings.

    Returns:
        outputs, figures, matrix (rows true, columns mapped), names, values, confidence, design, matching, warnings,
        seconds. Undefined figures are None.

    Raises:
        EngineError: A subclass; its message says what was given, what was expected and what to do.
    """
    started = time.monotonic()
    wanted = {"output_report": job.output_report, "output_table": job.output_table}
    wanted = {name: path for name, path in wanted.items() if path}
    with ExitStack() as stack:
        stack.enter_context(speaking(job.language))
        outputs = stack.enter_context(StagedOutputs((job.input, job.reference)))
        report = outputs.stage(job.output_report, HTML) if job.output_report else None
        table = outputs.stage(job.output_table, CSV) if job.output_table else None
        with open_raster(job.input) as dataset:
            grid = grid_of(dataset, job.input, job.crs)
            tags = dataset.tags()
        references = read_references(job.reference, job.field, grid)
        known = warn_of_training_labels(references, job.model, tags)
        references = dataclasses.replace(references, warnings=(*known, *references.warnings))
        by_area = _is_stratified(job, references)
        path, names, judging = job.input, {}, progress
        if job.model:
            window = grid.window if by_area else _around(references, grid)
            folder = stack.enter_context(_scratch(outputs, wanted))
            path = str(folder / "map-to-judge.tif")
            names = _map(job, path, grid, window, progress.part(0.0, 0.85))
            judging = progress.part(0.85, 1.0)
        with open_class_raster(path, job.crs) as raster:
            case = compare(raster, references, job.reference, names, by_area, judging)
        found = _assess(case, references, by_area, job.confidence)
        for text in found.warnings:
            progress.warning(text)
        facts = _facts(job, references, case, by_area)
        for name, value in facts:
            progress.log(f"{name}: {value}")
        if report is not None:
            write_report(
                report, job, case.classes, found.accuracy, found.adjusted, facts, found.warnings
            )
        if table is not None:
            write_table(table, case.classes, found.accuracy)
        progress.update(1.0, "Done")  # last chance to cancel, before the outputs appear
    return {
        "outputs": wanted,
        **found.figures(),
        "confidence": job.confidence,
        "design": "stratified" if by_area else "simple",
        "seconds": round(time.monotonic() - started, 3),
    }


@dataclass(frozen=True)
class Assessment:
    """Agreement of a map with its references.

    Attributes:
        case: The samples.
        accuracy: Figures with equal weight of all samples.
        adjusted: Figures with classes weighted by their area in the map; None if the sampling design does not allow it.
        warnings: What was left out, and what limits the figures.
    """

    case: Comparison
    accuracy: Accuracy
    adjusted: Adjusted | None
    warnings: list[str]

    def figures(self) -> dict[str, Any]:
        """The figures for the result of the verb."""
        case, adjusted = self.case, self.adjusted
        figures = described(case.classes, self.accuracy, len(case.truth))
        figures["area_adjusted"] = described_adjusted(case.classes, adjusted) if adjusted else None
        return {
            "figures": figures,
            "matrix": self.accuracy.matrix.tolist(),
            "names": [item.name for item in case.classes],
            "values": [item.value for item in case.classes],
            "matching": {"by": case.matching.how, "pairs": list(case.matching.pairs)},
            "warnings": self.warnings,
        }


def _assess(
    case: Comparison, references: References, by_area: bool, confidence: float
) -> Assessment:
    """Computes the figures of a comparison, and gathers the warnings."""
    adjusted = None
    if by_area:
        strata = references.strata.only(case.kept) if references.strata else None
        adjusted = adjust(case.truth, case.mapped, strata, case.classes, confidence)
    warnings = [*references.warnings, *case.warnings, *_cautions(references, case)]
    warnings += adjusted.warnings if adjusted else ()
    return Assessment(case, _accuracy(case, references, confidence), adjusted, warnings)


def _is_stratified(job: EvaluateJob, references: References) -> bool:
    if job.design == "stratified" and references.kind != "points":
        raise InvalidParameter(
            f"The references {job.reference} are {_KINDS[references.kind]}, but the design 'stratified' needs points "
            "drawn at random from each class of the map. Draw them with 'sample', or choose the design 'simple'."
        )
    if job.design == "auto":
        return references.strata is not None
    return job.design == "stratified"


def _around(references: References, grid: Grid) -> Window:
    """The part of a raster that has to be mapped to assess it at the references."""
    top, left = int(references.row.min()) - _MARGIN, int(references.column.min()) - _MARGIN
    bottom, right = int(references.row.max()) + _MARGIN, int(references.column.max()) + _MARGIN
    return grid.clip(Window(left, top, right + 1 - left, bottom + 1 - top))


@contextmanager
def _scratch(outputs: StagedOutputs, wanted: dict[str, str]) -> Iterator[Path]:
    """A temporary folder for the map to assess: beside the outputs, on a disk that should have room."""
    for path in wanted.values():
        yield outputs.scratch(Path(os.path.abspath(path)).parent)
        return
    with tempfile.TemporaryDirectory(prefix="spectralgpt-") as folder:
        yield Path(folder)


def _map(
    job: EvaluateJob, output: str, grid: Grid, window: Window, progress: Progress
) -> dict[int, str]:
    """Maps a part of the input with the model; returns the names of its classes by value."""
    whole = window == grid.window
    done = segment(
        SegmentJob(
            input=job.input,
            model=job.model,
            output=output,
            bands=job.bands,
            extent=None if whole else tuple(grid.window_bounds(window)),
            nodata=job.nodata,
            crs=job.crs,
            device=job.device,
            threads=job.threads,
        ),
        progress,
    )
    return {item["value"]: item["name"] for item in done["classes"]}


def _accuracy(case: Comparison, references: References, confidence: float) -> Accuracy:
    classes = len(case.classes)
    if references.kind == "points":
        return accuracy_of_matrix(confusion_matrix(case.truth, case.mapped, classes), confidence)
    return accuracy_of_clusters(
        case.truth,
        case.mapped,
        references.unit[case.kept],
        classes,
        confidence,
        references.weight[case.kept],
    )


def _cautions(references: References, case: Comparison) -> list[str]:
    """Warnings about the limits of the unweighted figures."""
    if references.kind == "points":
        return []
    units = len(np.unique(references.unit[case.kept]))
    cautions = [
        f"Neighbouring pixels are not independent, so the intervals are based on the {units} reference areas, not on "
        f"the {len(case.truth)} pixels. For figures that apply to the whole map, draw a stratified random sample."
    ]
    if units < _FEW:
        cautions.append(
            f"With only {units} reference areas, the intervals are wide and approximate."
        )
    return cautions


def _facts(
    job: EvaluateJob, references: References, case: Comparison, by_area: bool
) -> list[tuple[str, str]]:
    kind, samples = {
        "polygons": (tr("polygons"), tr("{pixels} pixels of {units} polygons")),
        "points": (tr("points"), tr("{pixels} pixels")),
        "raster": (tr("class raster"), tr("{pixels} pixels of {units} connected regions")),
    }[references.kind]
    units = len(np.unique(references.unit[case.kept]))
    map_told = job.input
    if job.model:
        map_told = tr("{raster}, mapped with {model}").format(raster=job.input, model=job.model)
    matched = {
        "name": tr("Classes matched by name"),
        "value": tr("Classes matched by value"),
        "name and value": tr("Classes matched by name and value"),
    }[case.matching.how]
    return [
        (tr("Class map"), map_told),
        (tr("References"), f"{job.reference} ({kind})"),
        (tr("Samples"), samples.format(pixels=count(len(case.truth)), units=count(units))),
        (tr("Design"), tr("stratified random sample") if by_area else tr("simple")),
        (matched, ", ".join(case.matching.pairs)),
    ]

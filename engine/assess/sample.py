"""The verb `sample`: draws a stratified random sample of a class map, to be labelled for `evaluate`."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import shapely
from numpy.typing import NDArray
from pyogrio.errors import DataSourceError

from ..data.grid import Grid
from ..infer.polygons import GEOPACKAGE_VERSION
from ..infer.staging import GEOPACKAGE, StagedOutputs, write_error
from ..jobs import SampleJob
from ..language import marked
from ..logins import without_secrets
from ..progress import Progress
from .allocation import allocate, sample_size
from .class_raster import ClassRaster, MapClass, open_class_raster

REFERENCE = "reference"  # the field that the user fills in
STRATUM, WEIGHT = "stratum", "weight"


def draw_sample(job: SampleJob, progress: Progress) -> dict[str, Any]:
    """Draws points at pixel centres of a class map, with the classes as strata.

    The map is read twice, strip by strip: to count the classes, and to find the drawn pixels. The same seed gives the
    same points. They are in random order, so that the first ones alone are a random sample of each class too.

    Args:
        job: The checked job.
        progress: Takes the progress, strip by strip, and log and warnings.

    Returns:
        outputs, classes (points, pixels and area of each), size, warnings, seconds.

    Raises:
        EngineError: A subclass; its message says what was given, what was expected and what to do.
    """
    started = time.monotonic()
    with ExitStack() as stack:
        raster = stack.enter_context(open_class_raster(job.input))
        outputs = stack.enter_context(StagedOutputs((job.input,)))
        output = outputs.stage(job.output, GEOPACKAGE)
        classes = [item for item in raster.classes(progress.part(0.0, 0.45)) if item.pixels]
        points, warnings = _allocated(classes, job)
        for text in warnings:
            progress.warning(text)
        rng = np.random.default_rng(job.seed)
        row, column, stratum = _drawn(raster, classes, points, rng, progress.part(0.45, 0.95))
        # Sort first, so that the order depends on the seed alone and not on the strips.
        order = np.lexsort((column, row))[rng.permutation(len(row))]
        _write(
            output,
            raster.grid,
            (row[order], column[order], stratum[order]),
            classes,
            points,
            without_secrets(json.dumps({"verb": job.verb, "input": job.input, "seed": job.seed})),
        )
        progress.update(1.0, "Done")  # last chance to cancel
    shares = ", ".join(f"{_told(item)} {count}" for item, count in zip(classes, points))
    progress.log(f"{points.sum()} points: {shares}")
    progress.log(
        f"Fill in the field '{REFERENCE}' with the true class of each point, by name or value, starting with the "
        "first point. Then evaluate the map with these points."
    )
    return {
        "outputs": {"output": job.output},
        "size": int(points.sum()),
        "classes": [
            {
                "value": item.value,
                "title": item.name,
                "pixels": item.pixels,
                "area_m2": round(item.area, 2),
                "points": int(count),
            }
            for item, count in zip(classes, points)
        ],
        "warnings": warnings,
        "seconds": round(time.monotonic() - started, 3),
    }


def _allocated(classes: Sequence[MapClass], job: SampleJob) -> tuple[NDArray[np.int64], list[str]]:
    """Number of points of each class [H], and warnings about them."""
    pixels = np.array([item.pixels for item in classes], np.int64)
    accuracy = np.full(len(classes), job.expected_accuracy)
    wanted = job.size or max(
        sample_size(pixels / pixels.sum(), accuracy, job.standard_error), len(classes)
    )
    points = allocate(pixels, wanted, job.allocation, job.minimum)
    warnings: list[str] = []
    for item, count in zip(classes, points):
        if item.pixels < job.minimum:
            warnings.append(
                f"The class {_told(item)} has only {item.pixels} pixels, fewer than the {job.minimum} points required "
                "for each class. All of them are used."
            )
        elif count < 2:
            warnings.append(
                f"The class {_told(item)} has {count} point, so there will be no interval for its accuracy. Use more "
                "points, or a larger minimum."
            )
    if points.sum() > wanted:
        warnings.append(
            f"{points.sum()} points are drawn instead of {wanted}, because each class needs its minimum number of "
            "points."
        )
    return points, warnings


def _drawn(
    raster: ClassRaster,
    classes: Sequence[MapClass],
    points: NDArray[np.int64],
    rng: np.random.Generator,
    progress: Progress,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Row, column and class index of the drawn pixels [n].

    First the ranks of a class's pixels are drawn, counted from the map's upper left corner; then the pixels with these
    ranks are found.
    """
    ranks = [
        np.sort(rng.choice(item.pixels, int(count), replace=False))
        for item, count in zip(classes, points)
    ]
    seen = np.zeros(len(classes), np.int64)
    found: list[tuple[NDArray[np.int64], NDArray[np.int64], int]] = []
    for window, values, valid in raster.strips(progress, marked("Drawing points")):
        for number, item in enumerate(classes):
            places = np.flatnonzero((values == item.value) & valid)
            first, last = np.searchsorted(ranks[number], (seen[number], seen[number] + len(places)))
            taken = places[ranks[number][first:last] - seen[number]]
            seen[number] += len(places)
            if len(taken):
                row, column = np.divmod(taken, values.shape[1])
                found.append((row + int(window.row_off), column, number))
    return (
        np.concatenate([row for row, _, _ in found]),
        np.concatenate([column for _, column, _ in found]),
        np.concatenate([np.full(len(row), number) for row, _, number in found]),
    )


def _write(
    path: Path,
    grid: Grid,
    drawn: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]],
    classes: Sequence[MapClass],
    points: NDArray[np.int64],
    description: str,
) -> None:
    row, column, number = drawn
    x, y = grid.xy(column + 0.5, row + 0.5)
    pixels = np.array([item.pixels for item in classes])
    names = np.array([item.name for item in classes], object)
    values = np.array([item.value for item in classes], np.int64)
    fields: dict[str, NDArray[Any]] = {
        "id": np.arange(1, len(row) + 1),
        STRATUM: values[number],
        f"{STRATUM}_name": names[number],
        WEIGHT: (pixels / np.maximum(points, 1))[number],
        "x": x,
        "y": y,
        REFERENCE: np.full(len(row), None, object),
    }
    try:
        pyogrio.raw.write(
            path,
            shapely.to_wkb(shapely.points(x, y)),
            field_data=list(fields.values()),
            fields=list(fields),
            geometry_type="Point",
            crs=grid.crs.to_wkt(),
            driver="GPKG",
            layer=path.stem,
            layer_options={"DESCRIPTION": description},
            dataset_options={"VERSION": GEOPACKAGE_VERSION},
        )
    except (DataSourceError, OSError, RuntimeError) as error:
        raise write_error(path, error) from error


def _told(item: MapClass) -> str:
    return f"{item.value} ({item.title})" if item.title else str(item.value)

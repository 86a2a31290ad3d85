"""The verb `classify`: labels for the cells of a grid, or for given polygons."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from itertools import islice
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from ..data.vectors import Polygons, read_polygons
from ..errors import EmptyArea
from ..jobs import ClassifyJob
from ..progress import Progress
from .backend import Backend
from .backends import open_backend
from .installed import open_model
from .labels import Labels, class_records, ground_area
from .lanes import in_order
from .looks import CellLooks, Look, ZoneLooks
from .mosaic import stack
from .polygons import write_layer
from .provenance import described, provenance
from .region import open_region
from .report import Stopwatch, introduce
from .scaled_source import open_scaled
from .scene import SingleDate
from .staging import GEOPACKAGE, StagedOutputs
from .writer import raster_environment


def classify(job: ClassifyJob, progress: Progress) -> dict[str, Any]:
    """Labels scenes.

    Args:
        job: What is asked.
        progress: Told of every cell or zone; a cancel takes effect there.

    Returns:
        The protocol's result: outputs, windows, device, areas and more; "features" counts the labelled ones and those
        left out for lack of valid pixels.

    Raises:
        EngineError: One of its subclasses, each with what was given, expected and to do.
    """
    watch = Stopwatch()
    model = open_model(job.model, "scene-classification")
    card = model.card
    with ExitStack() as opened:
        opened.enter_context(raster_environment())
        given: dict[str, Any] = {"bands": job.bands, "nodata": job.nodata, "crs": job.crs}
        source, cells = open_scaled(job.input, card, job.cell_size, opened, progress, **given)
        grid = cells.grid
        zones = read_polygons(job.zones, grid, "zones", follow=False) if job.zones else None
        region = open_region(grid, job.extent, job.extent_crs, job.mask)
        inputs = (job.input, job.zones, job.mask, str(model.path))
        outputs = opened.enter_context(StagedOutputs(inputs))
        output = outputs.stage(job.output, GEOPACKAGE)
        backend = open_backend(model.path, card, job.device, job.threads, progress)
        introduce(progress, model, backend, {"Raster": source})
        read = SingleDate(source, card)
        looks: CellLooks | ZoneLooks
        if zones is None:
            looks = CellLooks(cells, region, read)
        else:
            looks = ZoneLooks(grid, cells.window, zones.geometries, region, read)
        sums, weights = _add_up(backend, looks(progress.part(0.0, 0.9)), len(card.classes))
        geometries, known = _features(looks, zones, len(weights))
        _check_any(known, looks)
        probabilities = np.zeros((len(geometries), len(card.classes)))
        probabilities[: len(sums)] = sums / np.maximum(weights, 1e-9)[:, None]
        labels = Labels(card, probabilities, known)
        area = ground_area(geometries, grid)
        labels.add("area_m2", np.round(area, 2))
        tags = provenance(job, model, backend, {"scaling": source.scaling.text})
        write_layer(
            output,
            shapely.to_wkb(geometries),
            labels.beside(zones.fields if zones is not None else {}),
            grid.crs.to_wkt(),
            output.stem,
            described(tags),
            labels.masks,
        )
        if looks.sparse:
            what = "zones were kept without a label" if job.zones else "cells were left out"
            progress.log(f"{looks.sparse} {what}: less than half of their pixels are valid.")
        progress.update(1.0, "Done")  # the last place for a cancel: then the outputs appear
    result = watch.result(
        progress,
        {"output": job.output},
        looks.tally,
        backend,
        model,
        source,
        class_records(card, labels, area, grid),
    )
    result["features"] = {"labelled": int(known.sum()), "skipped": looks.sparse}
    return result


def _add_up(
    backend: Backend, looks: Iterator[Look], classes: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weighted sums of probabilities [n, K] and of weights [n] over the looks at each feature."""
    sums: list[NDArray[np.float64]] = []
    weights: list[float] = []

    def predict(batch: list[Look]) -> NDArray[Any]:
        return backend.predict(stack([look.feeds for look in batch]))

    with closing(in_order(_batches(looks, backend.batch), predict, backend.lanes)) as predicted:
        for batch, scores in predicted:
            for look, score in zip(batch, scores):
                while len(sums) <= look.place:
                    sums.append(np.zeros(classes))
                    weights.append(0.0)
                sums[look.place] += look.weight * score
                weights[look.place] += look.weight
    return np.array(sums).reshape(-1, classes), np.array(weights)


def _batches(looks: Iterator[Look], size: int) -> Iterator[list[Look]]:
    while batch := list(islice(looks, size)):
        yield batch


def _features(
    looks: CellLooks | ZoneLooks, zones: Polygons | None, labelled: int
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Geometries [n], and which of them can be labelled."""
    if zones is not None and isinstance(looks, ZoneLooks):
        return zones.geometries, looks.enough
    geometries = looks.geometries if isinstance(looks, CellLooks) else []
    return np.array(geometries, object), np.ones(labelled, bool)


def _check_any(known: NDArray[np.bool_], looks: CellLooks | ZoneLooks) -> None:
    if not known.any():
        what = "zone" if isinstance(looks, ZoneLooks) else "cell"
        raise EmptyArea(
            f"No {what} can be labelled: of {looks.sparse}, none has at least half of its pixels valid. Choose a "
            "smaller cell size, another area, or check the no-data values."
        )

"""The verb `classify`: labels for the cells of a grid, or for given polygons."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from ..cards import Card
from ..data.vectors import Polygons
from ..errors import EmptyArea
from ..jobs import ClassifyJob
from ..progress import Progress
from .backends import open_backend
from .cell_windows import CellWindows
from .cluster import Likeness, open_cluster, worker_threads
from .cluster_parts import ClusterParts
from .finished_parts import parts_here, resumed_parts
from .installed import open_model
from .job_key import job_key
from .journal import Journal
from .polygons import write_layer
from .preflight import Preflight
from .provenance import described, provenance
from .run_report import Stopwatch, introduce
from .scene_labels import Labels, class_records, ground_area
from .scored_windows import LaidScene, SceneWindows, ScoredWindow, lay_scene
from .staging import GEOPACKAGE, StagedOutputs
from .writer import raster_environment
from .zone_windows import ZoneWindows


def classify(job: ClassifyJob, progress: Progress) -> dict[str, Any]:
    """Labels scenes.

    Args:
        job: The checked job.
        progress: Updated at every cell or zone; a cancel takes effect there.

    Returns:
        The protocol's result: outputs, windows, device, areas and more; "features" counts those
        labelled, and those left out for lack of valid pixels.

    Raises:
        EngineError: A subclass; its message says what was given, what was expected and what to do.
    """
    watch = Stopwatch()
    job = dataclasses.replace(job, threads=worker_threads(job))
    model = open_model(job.model, job.model_task)
    card = model.card
    with ExitStack() as opened:
        opened.enter_context(raster_environment(job.threads))
        scene = lay_scene(job, card, opened, progress)
        source, zones, windows = scene.source, scene.zones, scene.windows
        grid = source.grid
        inputs = (job.input, *source.files, job.zones, job.mask, str(model.path))
        journal = opened.enter_context(Journal(job.output, job.resume))
        outputs = opened.enter_context(StagedOutputs(inputs))
        output = outputs.stage(job.output, GEOPACKAGE)
        backend = open_backend(model.path, card, job.device, job.threads, progress)
        introduce(progress, model, backend, {"Raster": source})
        preflight = Preflight(model, backend, watch, job.threads)
        estimate = preflight.of_scenes(
            windows, source, bool(job.scheduler), output.parent, progress
        )
        if job.dry_run:
            outputs.forget()
            return estimate.to_result()
        shapes = "" if zones is None else shapely.to_wkb(zones.geometries, hex=True).tolist()
        key = job_key(job, model, backend, [source], scene.region, ["parts", *shapes])
        journal.take_up(key, outputs.folders)
        compute = parts_here(backend, windows)
        if job.scheduler:
            client = opened.enter_context(open_cluster(job.scheduler, job.workers))
            compute = ClusterParts(client, job, windows, Likeness.of(model, backend))
        scored = resumed_parts(journal, windows, compute, progress.part(0.0, 0.9))
        scored = opened.enter_context(closing(watch.during("windows", scored)))
        found = _label(card, scene, scored)
        tags = provenance(job, model, backend, {"scaling": source.scaling.text})
        _write(output, found, scene, described(tags))
        if windows.sparse:
            what = "zones were kept without a label" if job.zones else "cells were left out"
            progress.log(
                f"{windows.sparse} {what}: less than half of their area is covered by valid pixels of the raster."
            )
        progress.update(1.0, "Done")  # the last place for a cancel: then the outputs appear
    preflight.after_scenes(estimate, windows.tally, progress)
    result = watch.result(
        progress,
        {"output": job.output},
        windows.tally,
        backend,
        model,
        source,
        class_records(card, found.labels, found.area, grid),
    )
    result["features"] = {"labelled": found.count, "skipped": windows.sparse}
    return result


@dataclass(frozen=True)
class Labelled:
    """The labelled features of a run.

    Attributes:
        geometries: Cells or zones [n].
        labels: Their labels.
        area: True area of each, square metres [n].
        count: Number of features that could be labelled.
    """

    geometries: NDArray[Any]
    labels: Labels
    area: NDArray[np.float64]
    count: int


def _label(card: Card, scene: LaidScene, scored: Iterator[ScoredWindow]) -> Labelled:
    """Labels all features by the scores of their windows.

    Raises:
        EmptyArea: No feature has enough valid pixels.
    """
    sums, weights = _add_up(scored, len(card.classes))
    geometries, known = _features(scene.windows, scene.zones, len(weights))
    _check_any(known, scene.windows)
    probabilities = np.zeros((len(geometries), len(card.classes)))
    probabilities[: len(sums)] = sums / np.maximum(weights, 1e-9)[:, None]
    labels = Labels(card, probabilities, known)
    area = ground_area(geometries, scene.source.grid)
    labels.add("area_m2", np.round(area, 2))
    return Labelled(geometries, labels, area, int(known.sum()))


def _write(path: Path, found: Labelled, scene: LaidScene, description: str) -> None:
    """Writes the features, with the zones' own columns before ours."""
    own = {} if scene.zones is None else scene.zones.fields
    write_layer(
        path,
        shapely.to_wkb(found.geometries),
        found.labels.beside(own),
        scene.source.grid.crs.to_wkt(),
        path.stem,
        description,
    )


def _add_up(
    scored: Iterator[ScoredWindow], classes: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weighted sums of probabilities [n, K] and of weights [n] over the windows of each feature."""
    sums: list[NDArray[np.float64]] = []
    weights: list[float] = []
    for window in scored:
        while len(sums) <= window.feature:
            sums.append(np.zeros(classes))
            weights.append(0.0)
        sums[window.feature] += window.weight * window.score
        weights[window.feature] += window.weight
    return np.array(sums).reshape(-1, classes), np.array(weights)


def _features(
    windows: SceneWindows, zones: Polygons | None, labelled: int
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Geometries [n], and which of them can be labelled."""
    if zones is not None and isinstance(windows, ZoneWindows):
        return zones.geometries, windows.enough
    geometries = windows.geometries if isinstance(windows, CellWindows) else []
    return np.array(geometries, object), np.ones(labelled, bool)


def _check_any(known: NDArray[np.bool_], windows: SceneWindows) -> None:
    if not known.any():
        what = "zone" if isinstance(windows, ZoneWindows) else "cell"
        raise EmptyArea(
            f"No {what} can be classified: in none of {windows.sparse} are at least half of the pixels valid. Choose "
            "a smaller cell size or another area, or check the no-data values."
        )

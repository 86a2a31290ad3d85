"""The verb `detect-change`: change between two dates, on the first one's grid."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..cards import Card
from ..data.grid import Grid
from ..errors import ModelInvalid
from ..jobs import ChangeJob
from ..progress import Progress
from .areas import write_areas
from .backends import open_backend
from .class_map import ClassMap
from .cluster import Likeness, open_cluster, worker_threads
from .cluster_rows import ClusterRows
from .finished_rows import FinishedRows, computed, resumed
from .installed import open_model
from .job_key import job_key
from .journal import Journal
from .map_plan import Raster, plan_map
from .map_rows import kept_layers, lay_mosaic, open_sources
from .polygons import write_polygons
from .preflight import Preflight
from .provenance import described, provenance
from .quick_look import quick_look
from .region import open_region
from .report import Stopwatch, introduce
from .scores import UNKNOWN, ScoreFile
from .staging import CSV, GEOPACKAGE, GEOTIFF, VIRTUAL, StagedOutputs
from .threshold import rescale, scene_threshold, score_edges
from .tiles import TiledWriter, raster_writer
from .writer import BLOCK, Layer, RasterWriter, class_dtype, raster_environment


def detect_change(job: ChangeJob, progress: Progress) -> dict[str, Any]:
    """Maps change in two passes: the model's scores, then the cut that this scene asks for.

    Args:
        job: What is asked.
        progress: Told of every window; a cancel takes effect there.

    Returns:
        The protocol's result: outputs, windows, device, areas, threshold and more.

    Raises:
        EngineError: One of its subclasses, each with what was given, expected and to do.
    """
    watch = Stopwatch()
    job = dataclasses.replace(job, threads=worker_threads(job))
    model = open_model(job.model, "change-detection")
    card = model.card
    if len(card.classes) != 2:
        raise ModelInvalid(
            f"A model of change has two classes, unchanged and changed; '{card.name}' has {len(card.classes)}. "
            "Choose another model."
        )
    with ExitStack() as stack:
        stack.enter_context(raster_environment())
        before, after = stack.enter_context(open_sources(job, card))
        region = open_region(before.grid, job.extent, job.extent_crs, job.mask)
        inputs = (job.before, job.after, job.mask, str(model.path))
        journal = stack.enter_context(Journal(job.output, job.resume))
        outputs = stack.enter_context(StagedOutputs(inputs))
        raster = VIRTUAL if job.tiles else GEOTIFF
        output = outputs.stage(job.output, raster)
        table = outputs.stage(job.areas, CSV) if job.areas else None
        vector = outputs.stage(job.output_vector, GEOPACKAGE) if job.output_vector else None
        probability = outputs.stage(job.probability, raster) if job.probability else None
        backend = open_backend(model.path, card, job.device, job.threads, progress)
        introduce(progress, model, backend, {"First date": before, "Second date": after})
        mosaic = lay_mosaic(job, card, (before, after), region, backend)
        scores = stack.enter_context(ScoreFile(output.parent / "scores.raw", before.grid))
        reduce, dtypes = kept_layers(job, card, False)
        written = [Raster("class", job.output, class_dtype(card.classes, card.nodata))]
        if probability is not None:
            written.append(Raster("probability", job.probability, "float32"))
        preflight = Preflight(model, backend, watch, job.threads)
        plan = plan_map(job, mosaic, [before, after], written, dtypes, scores.nbytes)
        estimate = preflight.of_map(plan, output.parent, progress)
        if job.dry_run:
            outputs.forget()
            return estimate.to_result()
        if job.quick_look:
            quick_look(job, card, [before, after], backend, progress)
        key = job_key(job, model, backend, [before, after], region, dtypes)
        journal.take_up(key, outputs.folders)
        kept = FinishedRows(journal, before.grid.width, dtypes)
        predicting = progress.part(0.0, 0.8)
        compute, height = computed(mosaic, reduce), before.grid.height
        if job.scheduler:
            client = stack.enter_context(open_cluster(job.scheduler, job.workers))
            likeness = Likeness.of(model, backend)
            compute = ClusterRows(client, job, False, mosaic, likeness, height)
        strips = resumed(kept, compute, height, predicting)
        for (strip,) in watch.during("windows", strips):
            scores.write(strip)
        threshold, adjust = _decide(job, card, scores, progress)
        facts = {
            "scaling": f"first date: {before.scaling.text}; second date: {after.scaling.text}",
            "threshold": threshold,
        }
        tags = provenance(job, model, backend, facts)
        records = _write_maps(
            job,
            card,
            before.grid,
            scores,
            adjust,
            threshold,
            output,
            probability,
            tags,
            progress.part(0.8, 0.9),
        )
        if table is not None:
            write_areas(table, records)
        watch.mark("finish")
        if vector is not None:
            write_polygons(
                vector,
                output,
                lambda window: adjust(scores.read(window)) * 100,
                card.classes,
                layer=vector.stem,
                description=described(tags),
                progress=progress.part(0.9, 0.99),
                only=(card.classes[1].value,),
            )
            watch.mark("polygons")
        progress.update(1.0, "Done")  # the last place for a cancel: then the outputs appear
    preflight.after_map(plan, estimate, progress)
    return watch.result(
        progress,
        {
            "output": job.output,
            "probability": job.probability,
            "output_vector": job.output_vector,
            "areas": job.areas,
        },
        mosaic.tally,
        backend,
        model,
        before,
        records,
        threshold,
    )


Adjust = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def _decide(
    job: ChangeJob, card: Card, scores: ScoreFile, progress: Progress
) -> tuple[float, Adjust]:
    """The cut, and what is done to the scores before it: nothing, or the card's rescaling."""
    spec = card.threshold
    own = scene_threshold(scores.histogram, score_edges(), spec)
    adjust: Adjust = _unchanged
    if spec.get("rescale"):
        progress.log(f"Scores rescaled for this scene: {own:.3f} becomes 0.5")
        scene_cut, own = own, 0.5

        def shift(values: NDArray[np.float32]) -> NDArray[np.float32]:
            known = values != UNKNOWN
            values[known] = rescale(values[known], scene_cut)
            return values

        adjust = shift
    if job.threshold is not None:
        progress.log(f"Threshold: {job.threshold:.3f} (given; the model's own is {own:.3f})")
        return job.threshold, adjust
    how = "found in the scene" if spec.get("method") == "scene" else "fixed in the model's card"
    progress.log(f"Threshold: {own:.3f} ({how})")
    return own, adjust


def _unchanged(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return values


def _write_maps(
    job: ChangeJob,
    card: Card,
    grid: Grid,
    scores: ScoreFile,
    adjust: Adjust,
    threshold: float,
    output: Path,
    probability: Path | None,
    tags: dict[str, str],
    progress: Progress,
) -> list[dict[str, Any]]:
    """The second pass: classes, and the probability raster when it is wanted; gives the areas."""
    unchanged, changed = (item.value for item in card.classes)
    layer = Layer("change", class_dtype(card.classes, card.nodata), card.nodata, card.classes, tags)
    with ExitStack() as stack:
        class_map = stack.enter_context(
            ClassMap(output, grid, layer, card.classes, job.min_area, job.cog, job.tiles)
        )
        writer: RasterWriter | TiledWriter | None = None
        if probability is not None:
            percent = Layer("probability of change", "float32", UNKNOWN, (), tags)
            writer = raster_writer(probability, grid, percent, job.cog, job.tiles)
            stack.enter_context(writer)
        for window, values in scores.strips(BLOCK):
            progress.update(window.row_off / grid.height, "Writing the map")
            values = adjust(values)
            classes = np.where(values >= threshold, changed, unchanged).astype(layer.dtype)
            classes[values == UNKNOWN] = card.nodata
            class_map.write(classes)
            if writer is not None:
                writer.write(values)
    return class_map.areas.records()

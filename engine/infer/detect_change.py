"""The verb `detect-change`: change between two dates, on the first one's grid."""

from __future__ import annotations

import dataclasses
from contextlib import ExitStack
from typing import Any

import numpy as np

from ..cards import Card
from ..errors import ModelInvalid
from ..jobs import ChangeJob
from ..progress import Progress
from .backends import open_backend
from .class_map import ClassMap
from .cluster import worker_threads
from .cluster_rows import computed_rows
from .cut import Cut
from .finished_rows import FinishedRows, resumed
from .installed import InstalledModel, open_model
from .job_key import job_key
from .journal import Journal
from .map_outputs import MapOutputs
from .map_plan import Raster, plan_map
from .map_rows import kept_layers, lay_mosaic, open_sources
from .preflight import Preflight
from .provenance import provenance
from .quick_look import quick_look
from .region import open_region
from .report import Stopwatch, introduce
from .scores import UNKNOWN, ScoreFile
from .staging import StagedOutputs
from .tiles import TiledWriter, raster_writer
from .writer import BLOCK, Layer, RasterWriter, class_dtype, raster_environment

_OUTPUTS = ("output", "probability", "output_vector", "areas")


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
    model = _open_model(job.model)
    card = model.card
    with ExitStack() as stack:
        stack.enter_context(raster_environment())
        before, after = stack.enter_context(open_sources(job, card))
        region = open_region(before.grid, job.extent, job.extent_crs, job.mask)
        rasters = (job.before, *before.files, job.after, *after.files)
        inputs = (*rasters, job.mask, str(model.path))
        journal = stack.enter_context(Journal(job.output, job.resume))
        outputs = stack.enter_context(StagedOutputs(inputs))
        files = MapOutputs.stage(job, outputs, job.probability)
        backend = open_backend(model.path, card, job.device, job.threads, progress)
        introduce(progress, model, backend, {"First date": before, "Second date": after})
        mosaic = lay_mosaic(job, card, (before, after), region, backend)
        scores = stack.enter_context(ScoreFile(files.map.parent / "scores.raw", before.grid))
        _, dtypes = kept_layers(job, card, False)
        written = [Raster("class", job.output, class_dtype(card.classes, card.nodata))]
        if files.beside is not None:
            written.append(Raster("probability", job.probability, "float32"))
        preflight = Preflight(model, backend, watch, job.threads)
        plan = plan_map(job, mosaic, [before, after], written, dtypes, scores.nbytes)
        estimate = preflight.of_map(plan, files.map.parent, progress)
        if job.dry_run:
            outputs.forget()
            return estimate.to_result()
        if job.quick_look:
            quick_look(job, card, [before, after], backend, inputs, progress)
        key = job_key(job, model, backend, [before, after], region, dtypes)
        journal.take_up(key, outputs.folders)
        kept = FinishedRows(journal, before.grid.width, dtypes)
        compute = stack.enter_context(computed_rows(job, model, backend, mosaic, False))
        strips = resumed(kept, compute, before.grid.height, progress.part(0.0, 0.8))
        for (strip,) in watch.during("windows", strips):
            scores.write(strip)
        cut = Cut.decide(scores.histogram, card.threshold, job.threshold)
        _tell(cut, job, card, progress)
        scaling = f"first date: {before.scaling.text}; second date: {after.scaling.text}"
        facts = {"scaling": scaling, "threshold": cut.threshold}
        tags = provenance(job, model, backend, facts)
        dtype = class_dtype(card.classes, card.nodata)
        layer = Layer("change", dtype, card.nodata, card.classes, tags)
        records = _write_maps(job, files, layer, scores, cut, progress.part(0.8, 0.9))
        files.finish(
            records,
            card,
            tags,
            lambda window: cut.adjust(scores.read(window)) * 100,
            watch,
            progress,
            only=(card.classes[1].value,),
        )
    preflight.after_map(plan, estimate, progress)
    return watch.result(
        progress,
        {name: getattr(job, name) for name in _OUTPUTS},
        mosaic.tally,
        backend,
        model,
        before,
        records,
        cut.threshold,
    )


def _open_model(path: str) -> InstalledModel:
    model = open_model(path, "change-detection")
    count = len(model.card.classes)
    if count != 2:
        raise ModelInvalid(
            f"A model of change has two classes, unchanged and changed; '{model.card.name}' has {count}. "
            "Choose another model."
        )
    return model


def _tell(cut: Cut, job: ChangeJob, card: Card, progress: Progress) -> None:
    """Says what became of the scores, and where the cut is from."""
    if cut.centre is not None:
        progress.log(f"Scores rescaled for this scene: {cut.centre:.3f} becomes 0.5")
    if job.threshold is None:
        if card.threshold.get("method") == "scene":
            progress.log(f"Threshold: {cut.threshold:.3f} (found in the scene)")
        else:
            progress.log(f"Threshold: {cut.threshold:.3f} (fixed in the model's card)")
    elif cut.own is None:
        progress.log(f"Threshold: {cut.threshold:.3f} (given; the model's own is not known)")
    else:
        progress.log(f"Threshold: {cut.threshold:.3f} (given; the model's own is {cut.own:.3f})")


def _write_maps(
    job: ChangeJob,
    files: MapOutputs,
    layer: Layer,
    scores: ScoreFile,
    cut: Cut,
    progress: Progress,
) -> list[dict[str, Any]]:
    """The second pass: classes, and the probability raster when it is wanted; gives the areas."""
    grid = scores.grid
    unchanged, changed = (item.value for item in layer.classes)
    with ExitStack() as stack:
        class_map = stack.enter_context(
            ClassMap(files.map, grid, layer, layer.classes, job.min_area, job.cog, job.tiles)
        )
        writer: RasterWriter | TiledWriter | None = None
        if files.beside is not None:
            percent = Layer("probability of change", "float32", UNKNOWN, (), layer.tags)
            writer = raster_writer(files.beside, grid, percent, job.cog, job.tiles)
            stack.enter_context(writer)
        for window, values in scores.strips(BLOCK):
            progress.update(window.row_off / grid.height, "Writing the map")
            values = cut.adjust(values)
            classes = np.where(values >= cut.threshold, changed, unchanged).astype(layer.dtype)
            classes[values == UNKNOWN] = layer.nodata
            class_map.write(classes)
            if writer is not None:
                writer.write(values)
    return class_map.areas.records()

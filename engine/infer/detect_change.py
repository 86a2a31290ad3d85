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
from .class_map import ClassMap
from .cluster import worker_threads
from .cut import Cut
from .installed import InstalledModel, open_model
from .map_outputs import MapOutputs
from .map_run import MapRun
from .run_report import Stopwatch
from .scores import UNKNOWN, ScoreFile
from .tiles import TiledWriter, raster_writer
from .writer import BLOCK, Layer, RasterWriter, class_dtype


def detect_change(job: ChangeJob, progress: Progress) -> dict[str, Any]:
    """Maps change in two passes: first the model's scores, then the threshold found in this scene.

    Args:
        job: The checked job.
        progress: Updated at every window; a cancel takes effect there.

    Returns:
        The protocol's result: outputs, windows, device, areas, threshold and more.

    Raises:
        EngineError: A subclass; its message says what was given, what was expected and what to do.
    """
    watch = Stopwatch()
    job = dataclasses.replace(job, threads=worker_threads(job))
    model = _open_model(job.model)
    card = model.card
    with ExitStack() as stack:
        run = MapRun(job, model, watch, stack, progress)
        if job.dry_run:
            return run.estimate.to_result()
        files, (before, after) = run.files, run.sources
        scores = stack.enter_context(ScoreFile(files.map.parent / "scores.raw", before.grid))
        for (strip,) in run.strips(progress.part(0.0, 0.8)):
            scores.write(strip)
        cut = Cut.decide(scores.histogram, card.threshold, job.threshold)
        _tell(cut, job, card, progress)
        scaling = f"first date: {before.scaling.text}; second date: {after.scaling.text}"
        tags = run.tags({"scaling": scaling, "threshold": cut.threshold})
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
    return run.result(records, cut.threshold)


def _open_model(path: str) -> InstalledModel:
    model = open_model(path, ChangeJob.model_task)
    count = len(model.card.classes)
    if count != 2:
        raise ModelInvalid(
            f"A change model has two classes, unchanged and changed, but '{model.card.name}' has {count}. Choose "
            "another model."
        )
    return model


def _tell(cut: Cut, job: ChangeJob, card: Card, progress: Progress) -> None:
    """Logs how scores were rescaled, and where the threshold comes from."""
    if cut.centre is not None:
        progress.log(f"Scores rescaled for this scene: {cut.centre:.3f} becomes 0.5")
    if job.threshold is None:
        if card.threshold.get("method") == "scene":
            progress.log(f"Threshold: {cut.threshold:.3f} (determined from the scene)")
        else:
            progress.log(f"Threshold: {cut.threshold:.3f} (fixed in the model card)")
    elif cut.own is None:
        progress.log(f"Threshold: {cut.threshold:.3f} (specified; the model's own is not known)")
    else:
        progress.log(
            f"Threshold: {cut.threshold:.3f} (specified; the model's own is {cut.own:.3f})"
        )


def _write_maps(
    job: ChangeJob,
    files: MapOutputs,
    layer: Layer,
    scores: ScoreFile,
    cut: Cut,
    progress: Progress,
) -> list[dict[str, Any]]:
    """The second pass: writes classes and, if wanted, the probability raster; returns the area records."""
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

"""The verb `segment`: a class map of a raster."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import rasterio
from numpy.typing import NDArray
from rasterio.windows import Window

from ..cards import Card
from ..data.source import RasterSource
from ..jobs import SegmentJob
from ..progress import Progress
from .backends import open_backend
from .class_map import ClassMap
from .class_rows import UNKNOWN_PERCENT, class_mosaic, layer_dtypes, open_source
from .cluster import worker_threads
from .cluster_rows import computed_rows
from .finished_rows import FinishedRows, Layers, resumed
from .installed import open_model
from .job_key import job_key
from .journal import Journal
from .map_outputs import MapOutputs
from .map_plan import Raster, plan_map
from .preflight import Preflight
from .provenance import provenance
from .quick_look import quick_look
from .region import open_region
from .report import Stopwatch, introduce
from .staging import StagedOutputs
from .tiles import raster_writer
from .write_behind import write_behind
from .writer import Layer, class_dtype, raster_environment

_OUTPUTS = ("output", "confidence", "output_vector", "areas")


def segment(job: SegmentJob, progress: Progress) -> dict[str, Any]:
    """Maps the classes of a raster.

    Args:
        job: What is asked.
        progress: Told of every window; a cancel takes effect there.

    Returns:
        The protocol's result: outputs, windows, device, areas and more.

    Raises:
        EngineError: One of its subclasses, each with what was given, expected and to do.
    """
    watch = Stopwatch()
    job = dataclasses.replace(job, threads=worker_threads(job))
    model = open_model(job.model, "segmentation")
    card = model.card
    with ExitStack() as stack:
        stack.enter_context(raster_environment())
        source = stack.enter_context(open_source(job, card))
        region = open_region(source.grid, job.extent, job.extent_crs, job.mask)
        journal = stack.enter_context(Journal(job.output, job.resume))
        inputs = (job.input, *source.files, job.mask, str(model.path))
        outputs = stack.enter_context(StagedOutputs(inputs))
        files = MapOutputs.stage(job, outputs, job.confidence)
        confidence = files.beside
        if files.vector is not None and confidence is None:  # polygons have it as a column
            confidence = files.map.with_name(f"confidence-of-polygons{files.map.suffix}")
        backend = open_backend(model.path, card, job.device, job.threads, progress)
        introduce(progress, model, backend, {"Raster": source})
        tags = provenance(job, model, backend, {"scaling": source.scaling.text})
        mosaic = class_mosaic(job, card, source, region, backend)
        sure = confidence is not None
        dtypes = layer_dtypes(card, sure)
        written = [Raster("class", job.output, dtypes[0])]
        if sure:
            written.append(Raster("confidence", job.confidence, dtypes[1]))
        preflight = Preflight(model, backend, watch, job.threads)
        plan = plan_map(job, mosaic, [source], written, dtypes)
        estimate = preflight.of_map(plan, files.map.parent, progress)
        if job.dry_run:
            outputs.forget()
            return estimate.to_result()
        if job.quick_look:
            quick_look(job, card, [source], backend, inputs, progress)
        key = job_key(job, model, backend, [source], region, dtypes)
        journal.take_up(key, outputs.folders)
        kept = FinishedRows(journal, source.grid.width, dtypes)
        compute = stack.enter_context(computed_rows(job, model, backend, mosaic, sure))
        predicting = progress.part(0.0, 0.85 if files.vector is not None else 0.95)
        strips = watch.during("windows", resumed(kept, compute, source.grid.height, predicting))
        records = _write_maps(job, card, source, strips, files.map, confidence, tags)
        files.finish(records, card, tags, _percents(confidence), watch, progress)
    preflight.after_map(plan, estimate, progress)
    return watch.result(
        progress,
        {name: getattr(job, name) for name in _OUTPUTS},
        mosaic.tally,
        backend,
        model,
        source,
        records,
    )


def _write_maps(
    job: SegmentJob,
    card: Card,
    source: RasterSource,
    strips: Iterator[Layers],
    output: Path,
    confidence: Path | None,
    tags: dict[str, str],
) -> list[dict[str, Any]]:
    """Writes the class raster, and the confidence raster when it is wanted; gives the areas."""
    dtype = class_dtype(card.classes, card.nodata)
    layer = Layer("class", dtype, card.nodata, card.classes, tags)
    with ExitStack() as stack:
        class_map = stack.enter_context(
            ClassMap(output, source.grid, layer, card.classes, job.min_area, job.cog, job.tiles)
        )
        writers: list[Callable[[NDArray[Any]], None]] = [class_map.write]
        if confidence is not None:
            percent = Layer("confidence (percent)", "uint8", UNKNOWN_PERCENT, (), tags)
            writer = raster_writer(confidence, source.grid, percent, job.cog, job.tiles)
            stack.enter_context(writer)
            writers.append(writer.write)

        def write(layers: Layers) -> None:
            for put, values in zip(writers, layers):
                put(values)

        with write_behind(write) as behind:
            for layers in strips:
                behind(layers)
    return class_map.areas.records()


def _percents(path: Path | None) -> Callable[[Window], NDArray[Any]]:
    """Reads the confidence raster; there is one wherever there are polygons."""

    def read(window: Window) -> NDArray[Any]:
        with rasterio.open(path) as dataset:
            values: NDArray[Any] = dataset.read(1, window=window)
        return values

    return read

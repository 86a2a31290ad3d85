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
from .areas import write_areas
from .backends import open_backend
from .class_map import ClassMap
from .class_rows import (
    UNKNOWN_PERCENT,
    class_layers,
    class_mosaic,
    layer_dtypes,
    open_source,
)
from .cluster import Likeness, open_cluster, worker_threads
from .cluster_rows import ClusterRows
from .finished_rows import FinishedRows, Layers, computed, resumed
from .installed import open_model
from .job_key import job_key
from .journal import Journal
from .map_plan import Raster, plan_map
from .polygons import write_polygons
from .preflight import Preflight
from .provenance import described, provenance
from .quick_look import quick_look
from .region import open_region
from .report import Stopwatch, introduce
from .staging import CSV, GEOPACKAGE, GEOTIFF, VIRTUAL, StagedOutputs
from .tiles import raster_writer
from .write_behind import write_behind
from .writer import Layer, class_dtype, raster_environment


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
        outputs = stack.enter_context(StagedOutputs((job.input, job.mask, str(model.path))))
        raster = VIRTUAL if job.tiles else GEOTIFF
        output = outputs.stage(job.output, raster)
        table = outputs.stage(job.areas, CSV) if job.areas else None
        vector = outputs.stage(job.output_vector, GEOPACKAGE) if job.output_vector else None
        confidence = outputs.stage(job.confidence, raster) if job.confidence else None
        if vector is not None and confidence is None:
            confidence = output.parent / f"confidence-of-polygons{raster[0]}"
        backend = open_backend(model.path, card, job.device, job.threads, progress)
        introduce(progress, model, backend, {"Raster": source})
        tags = provenance(job, model, backend, {"scaling": source.scaling.text})
        mosaic = class_mosaic(job, card, source, region, backend)
        predicting = progress.part(0.0, 0.85 if vector is not None else 0.95)
        sure, height = confidence is not None, source.grid.height
        dtypes = layer_dtypes(card, sure)
        written = [Raster("class", job.output, dtypes[0])]
        if sure:
            written.append(Raster("confidence", job.confidence, dtypes[1]))
        preflight = Preflight(model, backend, watch, job.threads)
        plan = plan_map(job, mosaic, [source], written, dtypes)
        estimate = preflight.of_map(plan, output.parent, progress)
        if job.dry_run:
            outputs.forget()
            return estimate.to_result()
        if job.quick_look:
            quick_look(job, card, [source], backend, progress)
        key = job_key(job, model, backend, [source], region, dtypes)
        journal.take_up(key, outputs.folders)
        kept = FinishedRows(journal, source.grid.width, dtypes)
        compute = computed(mosaic, class_layers(card, sure))
        if job.scheduler:
            client = stack.enter_context(open_cluster(job.scheduler, job.workers))
            likeness = Likeness.of(model, backend)
            compute = ClusterRows(client, job, sure, mosaic, likeness, height)
        strips = watch.during("windows", resumed(kept, compute, height, predicting))
        records = _write_maps(job, card, source, strips, output, confidence, tags)
        if table is not None:
            write_areas(table, records)
        watch.mark("finish")
        if vector is not None and confidence is not None:
            write_polygons(
                vector,
                output,
                _percents(confidence),
                card.classes,
                layer=vector.stem,
                description=described(tags),
                progress=progress.part(0.9, 0.99),
            )
            watch.mark("polygons")
        progress.update(1.0, "Done")  # the last place for a cancel: then the outputs appear
    preflight.after_map(plan, estimate, progress)
    return watch.result(
        progress,
        {
            "output": job.output,
            "confidence": job.confidence,
            "output_vector": job.output_vector,
            "areas": job.areas,
        },
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


def _percents(path: Path) -> Callable[[Window], NDArray[Any]]:
    def read(window: Window) -> NDArray[Any]:
        with rasterio.open(path) as dataset:
            values: NDArray[Any] = dataset.read(1, window=window)
        return values

    return read

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
from .class_map import ClassMap
from .class_rows import UNKNOWN_PERCENT
from .cluster import worker_threads
from .finished_rows import Layers
from .installed import open_model
from .map_run import MapRun
from .run_report import Stopwatch
from .tiles import raster_writer
from .write_behind import write_behind
from .writer import Layer, class_dtype


def segment(job: SegmentJob, progress: Progress) -> dict[str, Any]:
    """Maps the classes of a raster.

    Args:
        job: The checked job.
        progress: Updated at every window; a cancel takes effect there.

    Returns:
        The protocol's result: outputs, windows, device, areas and more.

    Raises:
        EngineError: A subclass; its message says what was given, what was expected and what to do.
    """
    watch = Stopwatch()
    job = dataclasses.replace(job, threads=worker_threads(job))
    model = open_model(job.model, job.model_task)
    card = model.card
    with ExitStack() as stack:
        run = MapRun(job, model, watch, stack, progress)
        if job.dry_run:
            return run.estimate.to_result()
        files, source = run.files, run.sources[0]
        confidence = files.beside
        if files.vector is not None and confidence is None:  # polygons need it for a column
            confidence = files.map.with_name(f"confidence-of-polygons{files.map.suffix}")
        tags = run.tags({"scaling": source.scaling.text})
        strips = run.strips(progress.part(0.0, 0.85 if files.vector is not None else 0.95))
        records = _write_maps(job, card, source, strips, files.map, confidence, tags)
        files.finish(records, card, tags, _percents(confidence), watch, progress)
    return run.result(records)


def _write_maps(
    job: SegmentJob,
    card: Card,
    source: RasterSource,
    strips: Iterator[Layers],
    output: Path,
    confidence: Path | None,
    tags: dict[str, str],
) -> list[dict[str, Any]]:
    """Writes the class raster and, if wanted, the confidence raster; returns the area records."""
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
    """A function that reads windows of the confidence raster, which exists wherever polygons are wanted."""

    def read(window: Window) -> NDArray[Any]:
        with rasterio.open(path) as dataset:
            values: NDArray[Any] = dataset.read(1, window=window)
        return values

    return read

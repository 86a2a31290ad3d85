"""From a map job to rows: opens the rasters, lays the windows, and turns probabilities into layers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Union

import numpy as np
import rasterio

from ..cards import Card
from ..data.source import RasterSource
from ..jobs import ChangeJob, SegmentJob
from ..memory_limit import raster_cache
from .backend import Backend
from .class_rows import class_layers, class_mosaic, layer_dtypes, open_source
from .finished_rows import Layers
from .merge import Rows
from .model_inputs import TwoDates
from .mosaic import Mosaic
from .region import Region
from .scores import UNKNOWN

MapJob = Union[SegmentJob, ChangeJob]


@contextmanager
def open_sources(job: MapJob, card: Card) -> Iterator[tuple[RasterSource, ...]]:
    """The job's rasters; the first one has the grid of the map. GDAL's cache suits their blocks while they are open.

    Raises:
        EngineError: What `RasterSource.open` raises.
    """
    with ExitStack() as stack:
        if isinstance(job, SegmentJob):
            source = stack.enter_context(open_source(job, card))
            stack.enter_context(rasterio.Env(GDAL_CACHEMAX=cache_for([source])))
            yield (source,)
            return
        before = stack.enter_context(
            RasterSource.open(job.before, card, bands=job.bands, nodata=job.nodata, crs=job.crs)
        )
        after = stack.enter_context(
            RasterSource.open(
                job.after,
                card,
                bands=job.after_bands or job.bands,
                nodata=job.nodata,
                crs=job.crs,
                grid=before.grid,
            )
        )
        stack.enter_context(rasterio.Env(GDAL_CACHEMAX=cache_for([before, after])))
        yield before, after


def cache_for(sources: Sequence[RasterSource]) -> int:
    """Bytes of GDAL's cache while rasters are read in rows of windows."""
    return raster_cache(sum(source.row_bytes for source in sources))


def lay_mosaic(
    job: MapJob, card: Card, sources: Sequence[RasterSource], region: Region, backend: Backend
) -> Mosaic:
    """The windows over the rasters."""
    if isinstance(job, SegmentJob):
        return class_mosaic(job, card, sources[0], region, backend)
    before, after = sources
    read, classes = TwoDates(before, after, card), len(card.classes)
    return Mosaic(before.grid, region, backend, read, card.window, classes, job.overlap)


def kept_layers(
    job: MapJob, card: Card, confidence: bool
) -> tuple[Callable[[Rows], Layers], list[str]]:
    """The function that turns rows of probabilities into layers, and the numpy types of these.

    Args:
        job: The checked job.
        card: The model's card.
        confidence: Whether a class map needs its confidence in percent.
    """
    if isinstance(job, SegmentJob):
        return class_layers(card, confidence), layer_dtypes(card, confidence)
    return change_scores, ["float32"]


def change_scores(rows: Rows) -> Layers:
    """The probability of change, `UNKNOWN` where there is none."""
    return (np.where(rows.known, rows.probabilities[1], np.float32(UNKNOWN)),)

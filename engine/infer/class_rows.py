"""From a job to rows of classes: what runs over the raster, and what becomes of its probabilities."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..cards import Card
from ..data.grid import Grid
from ..data.source import RasterSource
from ..jobs import SegmentJob
from .backend import Backend
from .finished_rows import Layers
from .merge import Rows
from .mosaic import Mosaic
from .region import Region
from .scene import SingleDate
from .writer import class_dtype

UNKNOWN_PERCENT = 255


def open_source(job: SegmentJob, card: Card, grid: Grid | None = None) -> RasterSource:
    """The job's raster, a context manager; on another grid where one is given.

    Raises:
        EngineError: What `RasterSource.open` raises.
    """
    return RasterSource.open(
        job.input, card, bands=job.bands, nodata=job.nodata, crs=job.crs, grid=grid
    )


def class_mosaic(
    job: SegmentJob, card: Card, source: RasterSource, region: Region, backend: Backend
) -> Mosaic:
    """The windows over the raster."""
    read, classes = SingleDate(source, card), len(card.classes)
    return Mosaic(source.grid, region, backend, read, card.window, classes, job.overlap)


def layer_dtypes(card: Card, confidence: bool) -> list[str]:
    """Types of the layers that `class_layers` gives."""
    return [class_dtype(card.classes, card.nodata), *(["uint8"] if confidence else [])]


def class_layers(card: Card, confidence: bool) -> Callable[[Rows], Layers]:
    """What becomes of rows of probabilities: classes, and percents when they are wanted."""
    values = np.array([item.value for item in card.classes], class_dtype(card.classes, card.nodata))

    def reduce(rows: Rows) -> Layers:
        classes = best_class(rows, values, card.nodata)
        return (classes, best_percent(rows)) if confidence else (classes,)

    return reduce


def best_class(rows: Rows, values: NDArray[Any], nodata: int) -> NDArray[Any]:
    """The value of the most probable class [n, width]; the first one of equals."""
    if not rows.known.any():  # most rows of a large raster, where a small extent was asked for
        return np.full(rows.known.shape, nodata, values.dtype)
    best = values[rows.probabilities.argmax(axis=0)]
    best[~rows.known] = nodata
    return best


def best_percent(rows: Rows) -> NDArray[np.uint8]:
    """The probability of that class in percent [n, width], 255 where unknown."""
    percent = np.rint(rows.probabilities.max(axis=0) * 100).clip(0, 100).astype(np.uint8)
    percent[~rows.known] = UNKNOWN_PERCENT
    return percent

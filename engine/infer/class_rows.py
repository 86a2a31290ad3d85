"""From a `segment` job to rows of classes: lays the windows, and reduces probabilities to classes and percent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..cards import Card
from ..data.source import RasterSource
from ..jobs import SegmentJob
from .backend import Backend
from .finished_rows import Layers
from .merge import Floats, Rows
from .model_inputs import SingleDate
from .mosaic import Mosaic
from .region import Region
from .writer import class_dtype

UNKNOWN_PERCENT = 255
_AT_A_TIME = 8  # rows: few enough that they stay in the processor's cache


def open_source(job: SegmentJob, card: Card) -> RasterSource:
    """The job's raster, a context manager.

    Raises:
        EngineError: What `RasterSource.open` raises.
    """
    return RasterSource.open(job.input, card, bands=job.bands, nodata=job.nodata, crs=job.crs)


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
    """The function that reduces rows of probabilities to classes, and to percent if `confidence`."""
    values = np.array([item.value for item in card.classes], class_dtype(card.classes, card.nodata))

    def reduce(rows: Rows) -> Layers:
        classes = np.full(rows.known.shape, card.nodata, values.dtype)
        percents = np.full(rows.known.shape, UNKNOWN_PERCENT, np.uint8)
        if rows.known.any():  # rows outside a small extent are empty
            for top in range(0, rows.height, _AT_A_TIME):
                part = slice(top, top + _AT_A_TIME)
                known = rows.known[part]
                places, scores = best(rows.probabilities[:, part])
                np.copyto(classes[part], values[places], where=known)
                if confidence:
                    np.copyto(percents[part], as_percent(scores), where=known)
        return (classes, percents) if confidence else (classes,)

    return reduce


def best(probabilities: Floats) -> tuple[NDArray[Any], Floats]:
    """Index of the most probable class [n, width] (the first of equals) and its probability [n, width].

    Equals `argmax` and `max` over the first axis, but loops over classes instead of pixels, which is several times as
    fast.
    """
    kind = np.min_scalar_type(len(probabilities))
    places = np.zeros(probabilities.shape[1:], kind)
    scores = probabilities[0].copy()
    for place, own in enumerate(probabilities[1:], 1):
        better = own > scores
        # As indices ascend, the maximum is the latest one.
        np.maximum(places, better * kind.type(place), out=places)
        np.maximum(scores, own, out=scores)
    return places, scores


def as_percent(scores: Floats) -> NDArray[np.uint8]:
    """Probabilities in whole percent."""
    percent = scores * np.float32(100)
    np.rint(percent, out=percent)
    np.clip(percent, 0, 100, out=percent)
    return percent.astype(np.uint8)

"""From a job that labels scenes to scores: where the model looks, and what it says there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Any, Union

from numpy.typing import NDArray

from ..cards import Card
from ..data.source import RasterSource
from ..data.vectors import Polygons, read_polygons
from ..jobs import ClassifyJob
from ..progress import Progress
from .backend import Backend
from .lanes import in_order
from .looks import CellLooks, Look, ZoneLooks
from .mosaic import stack
from .region import open_region
from .scaled_source import open_scaled
from .scene import SingleDate

Looks = Union[CellLooks, ZoneLooks]


@dataclass(frozen=True)
class LaidScene:
    """A raster and where the model will look at it.

    Attributes:
        source: The raster in the model's pixels.
        zones: The polygons to label; None for a grid of cells.
        looks: Where the model looks.
    """

    source: RasterSource
    zones: Polygons | None
    looks: Looks


@dataclass(frozen=True)
class Scored:
    """What the model says of one window.

    Attributes:
        place: Index of the feature it counts for.
        weight: How much, in valid pixels.
        score: Probabilities [K].
    """

    place: int
    weight: float
    score: NDArray[Any]


def lay_scene(job: ClassifyJob, card: Card, opened: ExitStack, progress: Progress) -> LaidScene:
    """Opens a job's raster and zones.

    Args:
        job: What is asked.
        card: The model's card.
        opened: Closes the raster.
        progress: Told of resampling.

    Raises:
        EngineError: What opening raises.
    """
    given: dict[str, Any] = {"bands": job.bands, "nodata": job.nodata, "crs": job.crs}
    source, cells = open_scaled(job.input, card, job.cell_size, opened, progress, **given)
    grid = cells.grid
    zones = read_polygons(job.zones, grid, "zones", follow=False) if job.zones else None
    region = open_region(grid, job.extent, job.extent_crs, job.mask)
    read = SingleDate(source, card)
    if zones is None:
        return LaidScene(source, None, CellLooks(cells, region, read))
    return LaidScene(source, zones, ZoneLooks(grid, cells.window, zones.geometries, region, read))


def score_looks(
    backend: Backend, looks: Looks, progress: Progress, parts: range | None = None
) -> Iterator[Scored]:
    """Has the model look, in this process.

    Args:
        backend: The model.
        looks: Where; holds afterwards what was found.
        progress: Told of every cell or zone; a cancel takes effect there.
        parts: Of the looks; None = all.
    """

    def predict(batch: list[Look]) -> NDArray[Any]:
        return backend.predict(stack([look.feeds for look in batch]))

    batches = _batches(looks(progress, parts), backend.batch)
    with closing(in_order(batches, predict, backend.lanes)) as predicted:
        for batch, scores in predicted:
            for look, score in zip(batch, scores):
                yield Scored(look.place, look.weight, score)


def _batches(looks: Iterator[Look], size: int) -> Iterator[list[Look]]:
    for _, part in groupby(looks, key=lambda look: look.part):
        while batch := list(islice(part, size)):
            yield batch

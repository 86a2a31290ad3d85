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
from .backend import Backend, check_numbers
from .cell_looks import CellLooks
from .lanes import in_order
from .looks import Found, Look
from .mosaic import stack
from .region import Region, open_region
from .scaled_source import open_scaled
from .scene import SingleDate
from .zone_looks import ZoneLooks

Looks = Union[CellLooks, ZoneLooks]


@dataclass(frozen=True)
class LaidScene:
    """A raster and where the model will look at it.

    Attributes:
        source: The raster in the model's pixels.
        region: The part that is wanted.
        zones: The polygons to label; None for a grid of cells.
        looks: Where the model looks.
    """

    source: RasterSource
    region: Region
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
        job: The checked job.
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
        return LaidScene(source, region, None, CellLooks(cells, region, read))
    looks = ZoneLooks(grid, cells.window, zones.geometries, region, read)
    return LaidScene(source, region, zones, looks)


@dataclass(frozen=True)
class PartsResult:
    """Some parts of the looks, done.

    Attributes:
        scored: In the order of the windows; places count from the first of these parts.
        found: What else was found.
    """

    scored: list[Scored]
    found: Found


def score_parts(backend: Backend, looks: Looks, parts: range, progress: Progress) -> PartsResult:
    """Has the model look at some parts, in this process.

    Args:
        backend: The model.
        looks: Where; they do not hold afterwards what was found.
        parts: Of the looks.
        progress: Updated at every cell or zone; a cancel takes effect there.

    Raises:
        ModelInvalid: The model gave what is no number.
    """

    def predict(batch: list[Look]) -> NDArray[Any]:
        return backend.predict(stack([look.feeds for look in batch]))

    mine, scored = looks.fresh(), list[Scored]()
    batches = _batches(mine(progress, parts), backend.batch)
    with closing(in_order(batches, predict, backend.lanes)) as predicted:
        for batch, scores in predicted:
            check_numbers(scores)
            scored += [Scored(look.place, look.weight, score) for look, score in zip(batch, scores)]
    return PartsResult(scored, mine.found(parts))


def _batches(looks: Iterator[Look], size: int) -> Iterator[list[Look]]:
    for _, part in groupby(looks, key=lambda look: look.part):
        while batch := list(islice(part, size)):
            yield batch

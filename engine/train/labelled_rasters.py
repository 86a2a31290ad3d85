"""Opens the rasters of a fine-tuning for its base model, and finds their labelled pixels."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from rasterio.windows import Window

from ..cards import Card, ModelClass
from ..data.grid import Grid
from ..data.label_layer import LabelLayer
from ..data.source import RasterSource
from ..errors import EmptyArea, InvalidParameter, LabelsInvalid
from ..infer.model_inputs import Feeds, Mask, Read, SingleDate, TwoDates
from ..progress import Progress
from ..training_jobs import FinetuneJob
from .labelled_ground import LabelledGround


@dataclass(frozen=True)
class LabelledRaster:
    """A raster with labels, or two dates of a place.

    Attributes:
        name: Path of the first or only raster.
        source: The first date, which provides the grid.
        after: The second date; None if there is only one.
        ground: Its windows and labelled pixels.
    """

    name: str
    source: RasterSource
    after: RasterSource | None
    ground: LabelledGround


def open_sources(
    job: FinetuneJob, card: Card, stack: ExitStack, progress: Progress
) -> list[tuple[RasterSource, RasterSource | None]]:
    """Opens every raster of a job, and for change detection its second date on the same grid.

    Raises:
        InvalidParameter: There is no raster, or the rasters of the second date do not fit the task or the first date.
        EngineError: A raster cannot be read or does not suit the base model.
    """
    _check_dates(job)
    common: dict[str, Any] = {"nodata": job.nodata, "crs": job.crs}
    opened: list[tuple[RasterSource, RasterSource | None]] = []
    for number, name in enumerate(job.inputs):
        first = stack.enter_context(RasterSource.open(name, card, bands=job.bands, **common))
        second = None
        if job.after:
            bands = job.after_bands or job.bands
            second = stack.enter_context(
                RasterSource.open(job.after[number], card, bands=bands, grid=first.grid, **common)
            )
        for source in filter(None, (first, second)):
            progress.log(f"{source.path}: {source.scaling.text}")
            for warning in source.warnings:
                progress.warning(f"{source.path}: {warning}")
        opened.append((first, second))
    return opened


def _check_dates(job: FinetuneJob) -> None:
    """Refuses a job whose rasters do not fit its task.

    Raises:
        InvalidParameter: See `open_sources`.
    """
    change = job.task == "change-detection"
    if not job.inputs:
        raise InvalidParameter(
            "No raster was specified. Choose the rasters with the labelled areas."
        )
    if change and len(job.after) != len(job.inputs):
        raise InvalidParameter(
            f"There are {len(job.inputs)} rasters of the first date and {len(job.after)} of the second. Specify one "
            "of the second date for each of the first, in the same order."
        )
    if not change and job.after:
        raise InvalidParameter(
            f"Rasters of a second date were specified, but the task is {job.task}. Choose change-detection, or leave "
            "them out."
        )


def label_rasters(
    sources: Sequence[tuple[RasterSource, RasterSource | None]],
    layer: LabelLayer,
    card: Card,
    seed: int,
    progress: Progress,
) -> list[LabelledRaster]:
    """Finds the labelled pixels of the rasters; rasters without any are left out with a warning.

    Args:
        sources: Rasters from `open_sources`.
        layer: The labels.
        card: Card of the future model; its classes are those of the layer.
        seed: Seed of the sample if there are too many labels.
        progress: Takes the warnings.

    Raises:
        EmptyArea: No raster has labels on valid pixels.
        LabelsInvalid: A class has no labelled pixel on any raster.
    """
    groups = _common_groups(sources, progress)
    grids: list[Grid] = []
    regions, used = [], 0  # number of each grid's first region, and of the next one
    found: list[LabelledRaster] = []
    for first, second in sources:
        try:
            pixels = layer.pixels(first.grid, seed=seed)
        except EmptyArea as error:
            if len(sources) == 1:
                raise
            progress.warning(f"{first.path} is left out: {error.message}")
            continue
        if first.grid not in grids:
            grids.append(first.grid)
            regions.append(used)
        place = grids.index(first.grid)
        if layer.kind == "raster":
            # Regions are numbered from 0 on each raster; make the numbers unique across grids.
            pixels = replace(pixels, unit=pixels.unit + np.int32(regions[place]))
            used = max(used, int(pixels.unit.max()) + 1)
        read: Read = SingleDate(first, card) if second is None else TwoDates(first, second, card)
        ground = LabelledGround(_limited(read, groups, card), first.grid.shape, pixels, place)
        found.append(LabelledRaster(first.path, first, second, ground))
    for warning in layer.warnings:
        progress.warning(warning)
    if not found:
        raise EmptyArea(
            f"The labels {layer.source} do not overlap any of the {len(sources)} rasters. Choose rasters of the "
            "labelled area, or check the CRS of both."
        )
    _check_classes([item.ground for item in found], layer.classes)
    return found


def _check_classes(grounds: Sequence[LabelledGround], classes: Sequence[ModelClass]) -> None:
    counts = sum(np.bincount(ground.pixels.label, minlength=len(classes)) for ground in grounds)
    missing = [item.title for item, count in zip(classes, np.atleast_1d(counts)) if not count]
    if missing:
        raise LabelsInvalid(
            f"No pixel of the rasters is labelled as {', '.join(missing[:5])}: the labels of this class lie "
            "elsewhere. Draw some on the rasters, or leave out the class."
        )


def _common_groups(
    sources: Sequence[tuple[RasterSource, RasterSource | None]], progress: Progress
) -> tuple[int, ...]:
    """The spectral groups that all rasters have, as a model learns from the same bands everywhere."""
    every = [set(source.groups) for pair in sources for source in pair if source is not None]
    shared = set.intersection(*every)
    lacking = [
        source.path
        for pair in sources
        for source in pair
        if source is not None and len(source.groups) < max(map(len, every))
    ]
    if lacking and len(set(map(frozenset, every))) > 1:
        progress.warning(
            f"{', '.join(lacking[:3])}: some bands are missing that other rasters have. The model is trained without "
            "these bands on all rasters."
        )
    return tuple(sorted(shared))


def _limited(read: Read, groups: tuple[int, ...], card: Card) -> Read:
    """Limits a function that reads windows to some spectral groups."""
    missing = card.bands_outside(groups)

    def limited(window: Window) -> tuple[Feeds, Mask]:
        feeds, valid = read(window)
        feeds["groups"] = np.array(groups, np.int64)
        for name in ("image", "before", "after"):
            if name in feeds:
                feeds[name][missing] = 0
        return feeds, valid

    return limited

"""From a `classify` job to scored windows: opens raster and zones, and runs the model over the windows."""

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
from .cell_windows import CellWindows
from .lanes import in_order
from .model_inputs import SingleDate
from .mosaic import stack
from .region import Region, open_region
from .scaled_source import open_scaled
from .scene_windows import Coverage, SceneWindow
from .zone_windows import ZoneWindows

SceneWindows = Union[CellWindows, ZoneWindows]


@dataclass(frozen=True)
class LaidScene:
    """An opened scene, and the windows to compute.

    Attributes:
        source: The raster at the model's ground sample distance.
        region: The part to label.
        zones: The polygons to label; None for a grid of cells.
        windows: The windows of the cells or zones.
    """

    source: RasterSource
    region: Region
    zones: Polygons | None
    windows: SceneWindows


@dataclass(frozen=True)
class ScoredWindow:
    """The model's scores of one window.

    Attributes:
        feature: Index of the feature that it counts for.
        weight: How much it counts, in valid pixels.
        score: Probabilities [K].
    """

    feature: int
    weight: float
    score: NDArray[Any]


def lay_scene(job: ClassifyJob, card: Card, opened: ExitStack, progress: Progress) -> LaidScene:
    """Opens a job's raster and zones.

    Args:
        job: The checked job.
        card: The model's card.
        opened: Closes the raster.
        progress: Takes log and warnings about resampling.

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
        return LaidScene(source, region, None, CellWindows(cells, region, read))
    windows = ZoneWindows(grid, cells.window, zones.geometries, region, read)
    return LaidScene(source, region, zones, windows)


@dataclass(frozen=True)
class PartsResult:
    """The results of some parts.

    Attributes:
        scored: Scored windows in order; features are counted from the first of these parts.
        coverage: What is known of their features.
    """

    scored: list[ScoredWindow]
    coverage: Coverage


def score_parts(
    backend: Backend, windows: SceneWindows, parts: range, progress: Progress
) -> PartsResult:
    """Runs the model over some parts, in this process.

    Args:
        backend: The model.
        windows: The windows; they are left unchanged.
        parts: The parts to compute.
        progress: Updated at every cell or zone; a cancel takes effect there.

    Raises:
        ModelInvalid: The model gave NaN.
    """

    def predict(batch: list[SceneWindow]) -> NDArray[Any]:
        return backend.predict(stack([window.feeds for window in batch]))

    mine, scored = windows.fresh(), list[ScoredWindow]()
    batches = _batches(mine(progress, parts), backend.batch)
    with closing(in_order(batches, predict, backend.lanes)) as predicted:
        for batch, scores in predicted:
            check_numbers(scores)
            scored += [
                ScoredWindow(window.feature, window.weight, score)
                for window, score in zip(batch, scores)
            ]
    return PartsResult(scored, mine.coverage(parts))


def _batches(windows: Iterator[SceneWindow], size: int) -> Iterator[list[SceneWindow]]:
    for _, part in groupby(windows, key=lambda window: window.part):
        while batch := list(islice(part, size)):
            yield batch

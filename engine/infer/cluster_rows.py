"""Rows of a map computed on a Dask cluster, strip by strip, with the same result as in a single process.

A strip is a whole number of rows of windows. Its worker also runs the row of windows above that reaches into it,
so that strips are independent of each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from typing import Any, NamedTuple

from ..progress import Progress
from .backend import Backend
from .cluster import Likeness, computed_in_order, open_cluster, worker_count, worker_model
from .finished_rows import Compute, Layers, computed
from .installed import InstalledModel
from .map_rows import MapJob, kept_layers, lay_mosaic, open_sources
from .mosaic import Earlier, Mosaic
from .region import open_region
from .tally import Tally

_LARGEST = 32  # most rows of windows in a strip: 10980 x 32 x 96 pixels of two layers are 67 MB


class Strip(NamedTuple):
    """Rows `start` to `until` of the raster."""

    start: int
    until: int


@contextmanager
def computed_rows(
    job: MapJob, model: InstalledModel, backend: Backend, mosaic: Mosaic, confidence: bool
) -> Iterator[Compute]:
    """Yields what computes the rows of a map: this process, or the cluster that the job names.

    Args:
        job: The checked job.
        model: The model.
        backend: The backend of this process.
        mosaic: The windows.
        confidence: Whether a class map needs its confidence in percent.

    Raises:
        MissingDependency: What `open_cluster` raises.
        DeviceUnavailable: What `open_cluster` raises.
    """
    if not job.scheduler:
        reduce, _ = kept_layers(job, model.card, confidence)
        yield computed(mosaic, reduce)
        return
    with open_cluster(job.scheduler, job.workers) as client:
        likeness = Likeness.of(model, backend)
        yield ClusterRows(client, job, confidence, mosaic, likeness, mosaic.grid.height)


@dataclass(frozen=True)
class StripResult:
    """A strip as a worker returns it.

    Attributes:
        pieces: Layers in order, each with the windows run and the pixels with a result since the strip's start.
        model_seconds: Time in the model.
    """

    pieces: list[tuple[Layers, int, int]]
    model_seconds: float


def compute_strip(job: MapJob, confidence: bool, likeness: Likeness, strip: Strip) -> StripResult:
    """Computes a strip in a worker.

    Args:
        job: The checked job; its paths must lead to the same files on every worker.
        confidence: Whether a class map needs its confidence in percent.
        likeness: The likeness of the client.
        strip: The rows.

    Raises:
        DeviceUnavailable: The worker has another model or backend than the client.
        EngineError: What opening and computing raise.
    """
    with (
        worker_model(job, job.model_task, likeness) as (model, backend),
        open_sources(job, model.card) as sources,
    ):
        region = open_region(sources[0].grid, job.extent, job.extent_crs, job.mask)
        mosaic = lay_mosaic(job, model.card, sources, region, backend)
        reduce, _ = kept_layers(job, model.card, confidence)
        pieces = [
            (reduce(rows), mosaic.tally.run, mosaic.tally.pixels)
            for rows in mosaic.strip(Progress(), Earlier(strip.start), strip.until)
        ]
        return StripResult(pieces, mosaic.tally.model_seconds)


class ClusterRows:
    """Computes rows on a cluster instead of in this process."""

    def __init__(
        self,
        client: Any,
        job: MapJob,
        confidence: bool,
        mosaic: Mosaic,
        likeness: Likeness,
        height: int,
    ) -> None:
        """Submits nothing yet.

        Args:
            client: Client of the cluster, `distributed.Client`.
            job: The checked job.
            confidence: Whether a class map needs its confidence in percent.
            mosaic: The windows; its tally counts as if they ran here.
            likeness: What the workers must have in common with the client.
            height: Rows of the raster.
        """
        self._client, self._mosaic, self._height = client, mosaic, height
        self._given = (job, confidence, likeness)

    def __call__(self, progress: Progress, earlier: Earlier) -> Iterator[tuple[Layers, Tally]]:
        """All rows below those of an earlier run, in order, with the tally at that point.

        Args:
            progress: Updated at every strip; a cancel takes effect at any time.
            earlier: What is finished already.

        Raises:
            DeviceUnavailable: The cluster is gone, or the same strip kills its workers again and again.
            EmptyArea: No pixel of the region is valid.
            EngineError: What a worker raises.
        """
        workers = worker_count(self._client, self._given[0].workers)
        strips = _strips(self._mosaic, earlier.rows, self._height, workers)
        progress.log(f"Cluster: {len(strips)} strips for {workers} workers")
        progress.skip(earlier.rows / self._height)
        tally, ends = self._mosaic.tally, dict(earlier.run)
        tally.pixels = tally.earlier = earlier.pixels

        def tell(strip: Strip) -> None:
            progress.update(strip.start / self._height, f"Strips: row {strip.start}")

        results = computed_in_order(
            self._client, workers, compute_strip, self._given, strips, progress, tell
        )
        for strip, result in results:
            tally.model_seconds += result.model_seconds
            run, pixels, row = (
                ends.get(self._mosaic.start(strip.start)[1], 0),
                tally.pixels,
                strip.start,
            )
            for layers, more, found in result.pieces:
                row += len(layers[0])
                tally.run = ends[row] = run + more
                tally.pixels = pixels + found
                yield layers, tally
        self._mosaic.require_a_window()


def _strips(mosaic: Mosaic, done: int, height: int, workers: int) -> list[Strip]:
    """Cuts the rows below `done` so that the workers finish soonest."""
    tops = mosaic.tops(done)  # rows of pixels at which a row of windows begins
    every = strip_rows(len(tops) + 1, workers)
    cuts = [done, *tops[every - 1 :: every], height]
    return [Strip(start, until) for start, until in zip(cuts, cuts[1:]) if start < until]


def strip_rows(count: int, workers: int) -> int:
    """Rows of windows in a strip with which the workers finish soonest.

    Args:
        count: Total rows of windows.
        workers: Workers of the cluster.
    """

    def duration(every: int) -> int:
        """Rows of windows that the busiest worker runs; each strip repeats one row at its top."""
        return ceil(ceil(count / every) / workers) * (every + 1)

    return min(range(1, _LARGEST + 1), key=duration)

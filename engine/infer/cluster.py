"""A class map computed by the workers of a Dask cluster, strip by strip, each as a single process computes it.

A strip is a whole number of rows of windows. Its worker also runs the row of windows above, which reaches into it, so
that strips need nothing from each other: a lost worker's strips are computed again by another one.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from math import ceil
from threading import Lock
from typing import Any, NamedTuple

from ..errors import DeviceUnavailable, EngineError, MissingDependency
from ..jobs import SegmentJob
from ..progress import Progress
from .backend import Backend, processors
from .backends import open_backend
from .class_rows import class_layers, class_mosaic, open_source
from .finished_rows import Layers
from .installed import InstalledModel, open_model
from .mosaic import Earlier, Mosaic, Tally
from .region import open_region
from .writer import raster_environment

LOCAL = "local"
_LARGEST = 32  # rows of windows in a strip: 10980 x 32 x 96 pixels of two layers are 67 MB
_WAITING = 2  # strips for each worker that are computed, or wait, at a time
_POLL = 0.05  # s
_REACH = 10  # s to reach a scheduler


class Strip(NamedTuple):
    """Rows `start` to `until` of the raster."""

    start: int
    until: int


@dataclass(frozen=True)
class Likeness:
    """What must be alike on the client and on every worker, so that the strips fit together."""

    model: str
    backend: str
    device: str

    @classmethod
    def of(cls, model: InstalledModel, backend: Backend) -> Likeness:
        """Of a loaded model."""
        return cls(model.sha256, backend.name, backend.device)


@dataclass(frozen=True)
class StripResult:
    """A strip as a worker gives it.

    Attributes:
        pieces: In order: layers, windows run since the strip's first one, pixels with a result since its start.
        model_seconds: Time in the model.
    """

    pieces: list[tuple[Layers, int, int]]
    model_seconds: float


_one_at_a_time = Lock()  # in a worker: a raster has one reader, and the model has the processor


def compute_strip(
    job: SegmentJob, confidence: bool, likeness: Likeness, strip: Strip
) -> StripResult:
    """A worker's task.

    Args:
        job: What is asked; its paths lead to the same files here.
        confidence: Whether percents are wanted.
        likeness: The client's.
        strip: Which rows.

    Raises:
        DeviceUnavailable: This worker computes otherwise than the client.
        EngineError: What opening and computing raise.
    """
    with _one_at_a_time, raster_environment():
        model, backend = _loaded(job.model, job.device, job.threads, likeness)
        own = Likeness.of(model, backend)
        if own != likeness:
            raise DeviceUnavailable(
                f"A worker would compute with {own.backend} on {own.device} (model {own.model[:12]}), the client with "
                f"{likeness.backend} on {likeness.device} (model {likeness.model[:12]}). Start the workers with the "
                "client's environment and models, or set the device to 'cpu'."
            )
        with open_source(job, model.card) as source:
            region = open_region(source.grid, job.extent, job.extent_crs, job.mask)
            mosaic = class_mosaic(job, model.card, source, region, backend)
            reduce = class_layers(model.card, confidence)
            pieces = [
                (reduce(rows), mosaic.tally.run, mosaic.tally.pixels)
                for rows in mosaic.strip(Progress(), Earlier(strip.start), strip.until)
            ]
        return StripResult(pieces, mosaic.tally.model_seconds)


@lru_cache(maxsize=1)
def _loaded(
    name: str, device: str, threads: int, expected: Likeness
) -> tuple[InstalledModel, Backend]:
    """The model, kept for the next strip; `expected` has it read again when the client has another one."""
    model = open_model(name, "segmentation")
    return model, open_backend(model.path, model.card, device, threads)


class ClusterRows:
    """Computes rows on a cluster, in the place of a single process's mosaic."""

    def __init__(
        self,
        client: Any,
        job: SegmentJob,
        confidence: bool,
        mosaic: Mosaic,
        likeness: Likeness,
        height: int,
    ) -> None:
        """Sends nothing yet.

        Args:
            client: Of the cluster, `distributed.Client`.
            job: What is asked.
            confidence: Whether percents are wanted.
            mosaic: The windows; its tally is kept as if they ran here.
            likeness: What the workers must have alike.
            height: Rows of the raster.
        """
        self._client, self._mosaic, self._height = client, mosaic, height
        self._given = (job, confidence, likeness)

    def __call__(self, progress: Progress, earlier: Earlier) -> Iterator[tuple[Layers, Tally]]:
        """All rows after those of an earlier run, in order, with the tally at that place.

        Args:
            progress: Told of every strip; a cancel takes effect at any time.
            earlier: Rows that are not computed again.

        Raises:
            DeviceUnavailable: The cluster is gone, or its workers end at the same strip again and again.
            EmptyArea: No pixel of the region is valid.
            EngineError: What a worker raises.
        """
        workers = max(1, len(self._client.scheduler_info()["workers"]))
        strips = _strips(self._mosaic, earlier.rows, self._height, workers)
        progress.log(f"Cluster: {len(strips)} strips for {workers} workers")
        progress.skip(earlier.rows / self._height)
        tally, ends = self._mosaic.tally, dict(earlier.run)
        tally.pixels = tally.earlier = earlier.pixels
        for strip, result in self._in_order(strips, workers * _WAITING, progress):
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

    def _in_order(
        self, strips: list[Strip], ahead: int, progress: Progress
    ) -> Iterator[tuple[Strip, StripResult]]:
        """Results as they are needed: at most `ahead` strips are computed or wait for their turn."""
        waiting: deque[tuple[Strip, Any]] = deque()
        left = deque(strips)
        try:
            while left or waiting:
                while left and len(waiting) < ahead:
                    strip = left.popleft()
                    future = self._client.submit(compute_strip, *self._given, strip, pure=False)
                    waiting.append((strip, future))
                strip, future = waiting[0]
                progress.update(strip.start / self._height, f"Strips: row {strip.start}")
                while not future.done():
                    progress.check()
                    time.sleep(_POLL)
                result = _result(future)
                waiting.popleft()
                yield strip, result
        finally:
            for _, future in waiting:
                future.cancel()


def _result(future: Any) -> StripResult:
    try:
        result: StripResult = future.result()
    except EngineError:
        raise
    except Exception as error:
        raise DeviceUnavailable(
            "The cluster could not compute a strip: its scheduler is gone, or workers ended over it again and again. "
            "Look at the workers' logs: they may have too little memory, or not the engine's libraries.",
            details=repr(error),
        ) from error
    return result


def _strips(mosaic: Mosaic, done: int, height: int, workers: int) -> list[Strip]:
    """The rows below `done`, cut so that the workers are through soonest."""
    tops = mosaic.tops(done)  # rows of pixels at which a row of windows begins
    count = len(tops) + 1

    def duration(every: int) -> int:
        """Rows of windows that one worker runs after another; each strip has one more at its top."""
        return ceil(ceil(count / every) / workers) * (every + 1)

    every = min(range(1, _LARGEST + 1), key=duration)
    cuts = [done, *tops[every - 1 :: every], height]
    return [Strip(start, until) for start, until in zip(cuts, cuts[1:]) if start < until]


@contextmanager
def open_cluster(scheduler: str, workers: int) -> Iterator[Any]:
    """A client of a cluster.

    Args:
        scheduler: Its address, such as tcp://host:8786, or `LOCAL` for processes of this machine.
        workers: Processes of a local cluster, 0 = one for each processor.

    Raises:
        MissingDependency: Dask is not installed.
        DeviceUnavailable: The scheduler was not reached.
    """
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise MissingDependency(
            "A scheduler was given, and this engine does not have Dask. Install it into the engine's environment, on "
            "every machine: pip install -r engine/requirements/cluster.txt",
            details=repr(error),
        ) from error
    if scheduler == LOCAL:
        with (
            LocalCluster(
                n_workers=workers or processors(),
                threads_per_worker=1,
                memory_limit=0,
                dashboard_address=None,
            ) as cluster,
            Client(cluster) as client,
        ):
            yield client
        return
    try:
        client = Client(scheduler, timeout=_REACH)
    except (OSError, ValueError) as error:
        raise DeviceUnavailable(
            f"The scheduler '{scheduler}' was not reached. Expected an address such as tcp://host:8786, or 'local'. "
            "Start it with: dask scheduler",
            details=repr(error),
        ) from error
    with client:
        yield client


def worker_threads(job: SegmentJob) -> int:
    """Processor threads of one worker: a local cluster's workers share the machine."""
    if job.threads or job.scheduler != LOCAL:
        return job.threads
    return max(1, processors() // (job.workers or processors()))

"""Scaling of a map with the number of workers: predicts times from the measured cost of a task."""

from __future__ import annotations

import pickle  # nosec B403
import time
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from pathlib import Path

from ...cards import Card
from ...data.grid import Grid
from ...data.source import RasterSource
from ...errors import EngineError
from ...infer.backends import open_backend
from ...infer.class_map import ClassMap
from ...infer.cluster import WAITING, Likeness
from ...infer.cluster_rows import Strip, StripResult, compute_strip, strip_rows
from ...infer.installed import open_model
from ...infer.windows import SlidingWindows, overlap_pixels
from ...infer.writer import Layer, class_dtype
from ...jobs import SegmentJob

_ROWS = 5  # rows of windows in the longer strip
_TIMES = 3


@dataclass(frozen=True)
class TaskCosts:
    """Cost of a strip.

    Attributes:
        fixed: Seconds of a worker for any strip: opening the raster, placing the windows.
        row: Seconds of a worker per row of windows.
        receive: Seconds of the client per row of windows, to receive and write its pixels; it handles strips in order.
    """

    fixed: float
    row: float
    receive: float


def task_costs(raster: Path, model: Path, side: int, folder: Path) -> TaskCosts:
    """Measures a worker's task in this process with one thread, for strips of one and of five rows of windows.

    Args:
        raster: Square raster to map.
        model: Segmentation model.
        side: Side of the raster, pixels; at least seven rows of windows.
        folder: Folder for a temporary map, to measure the client's share.
    """
    installed = open_model(str(model), "segmentation")
    backend = open_backend(installed.path, installed.card, "cpu", 1)
    likeness = Likeness.of(installed, backend)
    job = SegmentJob(input=str(raster), model=str(model), output="", device="cpu", threads=1)
    tops = rows_of_windows(side, installed.card.window, job.overlap).tops

    def compute(rows: int) -> tuple[float, StripResult]:
        started = time.perf_counter()
        result = compute_strip(job, False, likeness, Strip(tops[1], tops[1 + rows]))
        return time.perf_counter() - started, result

    compute(1)  # loads the model
    one = min(compute(1)[0] for _ in range(_TIMES))
    fives = [compute(_ROWS) for _ in range(_TIMES)]
    row = (min(seconds for seconds, _ in fives) - one) / (_ROWS - 1)
    with RasterSource.open(str(raster), installed.card) as source:
        received = _receive(fives[0][1], installed.card, source.grid, folder / "received.tif")
    return TaskCosts(max(0.0, one - 2 * row), row, received / _ROWS)  # each runs the row above it


def _receive(result: StripResult, card: Card, grid: Grid, path: Path) -> float:
    """Seconds that a client takes to unpickle and write a strip; the file remains incomplete."""
    layer = Layer("class", class_dtype(card.classes, card.nodata), card.nodata, card.classes)
    class_map = ClassMap(path, grid, layer, card.classes)
    started = time.perf_counter()
    for layers, *_ in pickle.loads(pickle.dumps(result)).pieces:  # nosec B301
        class_map.write(layers[0])
    seconds = time.perf_counter() - started
    class_map.__exit__(EngineError, None, None)
    return seconds


def rows_of_windows(side: int, window: int, overlap: int) -> SlidingWindows:
    """The windows of a square raster; overlap in percent."""
    return SlidingWindows(side, side, window, overlap_pixels(window, overlap))


def crowded(costs: TaskCosts, factor: float) -> TaskCosts:
    """The costs of workers that share a machine's memory, caches and hyper-threaded cores.

    Args:
        costs: Costs of a worker alone.
        factor: Slowdown of a process if all processors are busy with such processes.
    """
    return TaskCosts(costs.fixed * factor, costs.row * factor, costs.receive)


def predicted_seconds(costs: TaskCosts, rows: int, workers: int) -> float:
    """Predicts the time of a map's strips, without the start of the cluster.

    Strips go to the worker that is free first. The client receives them in order, one at a time, and has at most
    `WAITING` strips per worker sent but not received.

    Args:
        costs: Costs of a strip.
        rows: Rows of windows of the raster.
        workers: Number of workers, of one thread each.
    """
    every = strip_rows(rows, workers)
    strips = [min(every, rows - start) for start in range(0, rows, every)]
    free = [0.0] * workers
    heapify(free)
    taken: list[float] = []
    for place, size in enumerate(strips):
        before = place - workers * WAITING
        sent = taken[before] if before >= 0 else 0.0
        above = 1 if place else 0
        done = max(heappop(free), sent) + costs.fixed + costs.row * (size + above)
        heappush(free, done)
        taken.append(max([done, *taken[-1:]]) + costs.receive * size)
    return taken[-1]

"""Parts of the speed benchmark. Product and baseline take turns in a run; only ratios of such pairs are compared."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import rasterio
from rasterio.transform import from_origin

from ...cards import Card, ModelClass
from ...errors import EngineError
from ...infer.agreement import agreement
from ...infer.backend import Backend
from ...infer.backend_samples import sample_windows
from ...infer.cluster import LOCAL
from ...infer.installed import open_model
from ...infer.onnx_backend import CPU, OnnxBackend
from ...infer.polygons import write_polygons
from ...infer.processor_backends import other_backends
from ...model_file import installed_models, read_card
from ...progress import Progress
from .engine_run import EngineRun, run_engine
from .figures import Figures
from .scaling import TaskCosts, crowded, predicted_seconds, rows_of_windows, task_costs
from .scene import make_scene
from .tile_loop import map_by_tiles

OVERLAP = 25  # percent, the product's default
_SCENE = 10980  # px, side of a Sentinel-2 tile


class Bench:
    """A segmentation model and the settings of a benchmark.

    Attributes:
        path: The model's file.
        card: Its card.
        side: Side of the rasters to map, pixels.
        repeats: Number of repeats of compared measurements.
        threads: CPU threads; 0 = all.
        folder: Working folder.
    """

    def __init__(self, model: str, side: int, repeats: int, threads: int, folder: Path) -> None:
        """Finds the model.

        Raises:
            ModelInvalid: There is no segmentation model of this name.
        """
        installed = open_model(model, "segmentation")
        self.path, self.card = installed.path, installed.card
        self.side, self.repeats, self.threads, self.folder = side, repeats, threads, folder

    def scene(self, height: int, width: int) -> Path:
        """A raster of this size, which is made at the first call."""
        path = self.folder / f"scene-{height}x{width}.tif"
        if not path.exists():
            make_scene(path, height, width)
        return path

    def segment(self, raster: Path, *options: str, device: str = "cpu") -> EngineRun:
        """Maps a raster with the product."""
        threads = ("--threads", str(self.threads)) if self.threads else ()
        given = ("--input", str(raster), "--model", str(self.path), "--device", device, *threads)
        return run_engine("segment", *given, "--output", str(self.folder / "map.tif"), *options)

    def side_by_side(self, raster: Path) -> list[float]:
        """Maps a raster in two processes at the same time, with one thread each; returns the seconds of both."""

        def one(number: int) -> float:
            output = ("--output", str(self.folder / f"beside-{number}.tif"))
            given = ("--input", str(raster), "--model", str(self.path), "--device", "cpu")
            run = run_engine("segment", *given, "--threads", "1", *output)
            return float(run.result["seconds"])

        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(one, range(2)))


def model(bench: Bench, progress: Progress) -> Figures:
    """Compares all installed models in every backend with ONNX Runtime in float32; one window per call, one thread."""
    figures = Figures(
        "Model only",
        "One window of the sample a call, one thread, backends in turn. Agreement is with ONNX Runtime in float32.",
    )
    for path in (p for p in installed_models() if p.suffix == ".onnx"):
        card = read_card(path)
        windows = sample_windows(card)
        if not windows:
            continue
        backends = _backends(path, card)
        scores = [[backend.predict(window) for window in windows] for backend in backends]
        taken: list[list[float]] = [[] for _ in backends]
        for repeat in range(max(3, bench.repeats) * len(windows)):
            progress.check()
            for seconds, backend in zip(taken, backends):
                started = time.perf_counter()
                backend.predict(windows[repeat % len(windows)])
                seconds.append(time.perf_counter() - started)
        plain = None
        for backend, seconds, own in zip(backends, taken, scores):
            note = str(agreement(scores[0], own)) if plain else "the reference"
            row = figures.add(
                f"{path.stem}, {backend.name}", "ms", [1000 * s for s in seconds], note
            )
            if plain is not None:
                figures.ratio(f"{path.stem}: ONNX Runtime by {backend.name}", plain, row)
            plain = plain or row
    return figures


def _backends(path: Path, card: Card) -> list[Backend]:
    """The backends that can run a model here, the reference first."""
    found: list[Backend] = [OnnxBackend(path, card, CPU, 1)]
    for opener in other_backends(path, card, 1).values():
        try:
            found.append(opener())
        except EngineError:
            continue
    return found


def map(bench: Bench, progress: Progress) -> Figures:
    """Compares mapping, from raster to class raster, with a loop over tiles; and measures time outside the model."""
    figures = Figures(
        f"Map of {bench.side} x {bench.side} px",
        "Raster in to class raster out, in turn: the product as a process of its own, the loop over tiles without the "
        "start of Python and its libraries. Same model, same overlap.",
    )
    raster = bench.scene(bench.side, bench.side)
    runs: list[EngineRun] = []
    loops: list[float] = []
    for repeat in range(bench.repeats):
        progress.update(repeat / bench.repeats, f"Map: {repeat + 1} of {bench.repeats}")
        runs.append(bench.segment(raster))
        started = time.perf_counter()
        map_by_tiles(raster, bench.path, bench.card, bench.folder / "loop.tif", OVERLAP)
        loops.append(time.perf_counter() - started)
    backend = runs[0].result["backend"]
    ours = figures.add("product", "s", [run.seconds for run in runs], backend)
    loop = figures.add("loop over tiles", "s", loops, "ONNX Runtime float32, all threads")
    figures.ratio("loop over tiles by product", loop, ours)
    shares = [1 - run.result["model_seconds"] / run.result["seconds"] for run in runs]
    figures.add("product, share of the time outside the model", "", shares)
    figures.add("agreement of the two maps", "", [_same(bench.folder)])
    return figures


def _same(folder: Path) -> float:
    """Share of the pixels with the same class; the maps differ at seams, where one blends and the other crops."""
    with rasterio.open(folder / "map.tif") as one, rasterio.open(folder / "loop.tif") as other:
        return float(np.mean(one.read(1) == other.read(1)))


def area_of_interest(bench: Bench, progress: Progress) -> Figures:
    """Compares an extent that a sixth of the windows touch with the whole raster."""
    figures = Figures(
        "Area of interest", "The same raster whole and with an EXTENT over about a sixth of it."
    )
    side = bench.side // 2
    raster = bench.scene(side, side)
    part = round(side * (1 / 6) ** 0.5) - bench.card.window // 2
    with rasterio.open(raster) as dataset:
        left, bottom, right, top = dataset.window_bounds(((0, part), (0, part)))
    extent = ("--extent", *(str(value) for value in (left, bottom, right, top)))
    whole, some = [], []
    for repeat in range(bench.repeats):
        progress.update(repeat / bench.repeats, "Area of interest")
        whole.append(bench.segment(raster))
        some.append(bench.segment(raster, *extent))
    all_windows = figures.add("whole raster", "s", [run.seconds for run in whole])
    windows = [run.result["windows"]["run"] for run in (some[0], whole[0])]
    area = figures.add(
        "area of interest", "s", [run.seconds for run in some], "{} of {} windows".format(*windows)
    )
    figures.ratio("time of the area by time of the whole", area, all_windows)
    return figures


def size(bench: Bench, progress: Progress) -> Figures:
    """Measures the time per pixel from 1024 px upwards, which should not grow with the area."""
    figures = Figures(
        "Cost against area",
        "A megapixel of square rasters, start of the process included; CPU seconds are of all threads.",
    )
    side, rows = 1024, []
    while side <= bench.side:
        progress.update(side / (2 * bench.side), f"{side} x {side} px")
        run, area = bench.segment(bench.scene(side, side)), side * side / 1e6
        figures.add(f"{side} x {side}", "s/Mpx", [run.seconds / area])
        spent = [run.processor_seconds / area]
        rows.append(figures.add(f"{side} x {side}, processor", "s/Mpx", spent))
        side *= 2
    for row in rows[1:]:
        figures.ratio(f"{row.name}, by the smallest", row, rows[0])
    return figures


def memory(bench: Bench, progress: Progress) -> Figures:
    """Measures peak memory for two heights, with confidence, which should not grow with the height."""
    width = bench.side
    figures = Figures("Memory", f"Peak resident memory of rasters {width} px wide, confidence on.")
    rows = []
    for step, height in enumerate((width // 2, width)):
        progress.update(step / 2, f"Memory: {width} x {height} px")
        confidence = ("--confidence", str(bench.folder / "confidence.tif"))
        run = bench.segment(bench.scene(height, width), *confidence)
        rows.append(figures.add(f"{height} rows", "MB", [run.peak_mb]))
    figures.ratio("twice the height by once", rows[1], rows[0])
    return figures


def start(bench: Bench, progress: Progress) -> Figures:
    """Measures the time from the start of the process to the first window."""
    figures = Figures("Start", "From the start of the process to its first window, files warm.")
    raster = bench.scene(256, 256)
    bench.segment(raster)
    runs = [bench.segment(raster) for _ in range(max(3, bench.repeats))]
    figures.add("to the first window", "s", [run.first_window for run in runs])
    figures.add("256 x 256 px, whole run", "s", [run.seconds for run in runs])
    return figures


def polygons(bench: Bench, progress: Progress) -> Figures:
    """Measures polygonising a class map of noise."""
    side = 2048
    figures = Figures(
        "Polygons",
        f"A class map of {side} x {side} px, three classes in random patches of 4 x 4 px.",
    )
    classes = [
        ModelClass(value, name, name, color)
        for value, name, color in ((1, "a", "#ff0000"), (2, "b", "#00ff00"), (3, "c", "#0000ff"))
    ]
    noise = np.random.default_rng(0).integers(1, 4, (side // 4, side // 4), dtype=np.uint8)
    noise = np.kron(noise, np.ones((4, 4), np.uint8))
    path = bench.folder / "noise.tif"
    profile = {"count": 1, "height": side, "width": side, "dtype": "uint8", "nodata": 0}
    place = from_origin(500_000, 4_700_000, 10, 10)
    with rasterio.open(
        path, "w", driver="GTiff", crs="EPSG:32631", transform=place, **profile
    ) as file:
        file.write(noise, 1)
    taken, count = [], 0
    for repeat in range(max(3, bench.repeats)):
        output = bench.folder / f"noise-{repeat}.gpkg"
        started = time.perf_counter()
        count = write_polygons(
            output,
            path,
            lambda window: np.full((int(window.height), int(window.width)), 90, np.uint8),
            classes,
            "",
            progress,
        )
        taken.append(time.perf_counter() - started)
    figures.add("polygonised", "s", taken, f"{count} polygons")
    return figures


def scaling(bench: Bench, progress: Progress) -> Figures:
    """Measures one and two workers with one thread each, and predicts more from the cost of a task."""
    figures = Figures(
        "Scaling",
        "A local Dask cluster of workers with one thread each. The prediction simulates the strips from the measured "
        "cost of a task; what one worker takes beyond it (start of the cluster, loading) is taken as alike for any "
        "number. The prediction for two, beside the measured one, is its check: they share this machine, so that their "
        "tasks take longer by as much as two processes do that map side by side. No network between machines is in it.",
    )
    side, raster = bench.side, bench.scene(bench.side, bench.side)
    measured: dict[int, list[float]] = {1: [], 2: []}
    plain: list[float] = []
    beside: list[float] = []
    for repeat in range(bench.repeats):
        progress.update(repeat / bench.repeats, f"Scaling: {repeat + 1} of {bench.repeats}")
        plain.append(bench.segment(raster, "--threads", "1").result["seconds"])
        beside += bench.side_by_side(raster)
        for workers, taken in measured.items():
            shared = ("--scheduler", LOCAL, "--workers", str(workers), "--threads", "1")
            taken.append(bench.segment(raster, *shared).result["seconds"])
    alone = figures.add("one process, one thread", "s", plain)
    pair = figures.add("the same, two side by side", "s", beside)
    figures.ratio("a process beside another by one alone", pair, alone)
    rows = len(rows_of_windows(side, bench.card.window, OVERLAP).tops)
    costs = task_costs(raster, bench.path, side, bench.folder)
    figures.add("a task: any strip", "s", [costs.fixed])
    figures.add("a task: a row of windows", "s", [costs.row], f"{rows} in all")
    figures.add("the client: a row of windows", "s", [costs.receive])
    one = figures.add("1 worker", "s", measured[1])
    two = figures.add("2 workers", "s", measured[2])
    figures.ratio("speed of 2 workers by 1, measured", one, two)
    figures.ratio("1 worker by one process", one, alone)
    start = max(0.0, one.median - predicted_seconds(costs, rows, 1))
    figures.add("start of the cluster", "s", [start], "what 1 worker took beyond its tasks")
    shared_costs = crowded(costs, max(1.0, pair.median / alone.median))
    ahead = start + predicted_seconds(shared_costs, rows, 2)
    guess = figures.add("2 workers, predicted", "s", [ahead])
    figures.ratio("speed of 2 workers by 1, predicted", one, guess)
    scene = len(rows_of_windows(_SCENE, bench.card.window, OVERLAP).tops)
    wide = TaskCosts(costs.fixed, costs.row * scene / rows, costs.receive * scene / rows)
    base = figures.add(
        f"{_SCENE} px, 1 worker, predicted", "s", [start + predicted_seconds(wide, scene, 1)]
    )
    for workers in (2, 10, 100):
        name = f"{_SCENE} px, {workers} workers, predicted"
        row = figures.add(name, "s", [start + predicted_seconds(wide, scene, workers)])
        figures.ratio(f"speed of {workers} workers by 1, {_SCENE} px, predicted", base, row)
    return figures


Part = Callable[[Bench, Progress], Figures]
PARTS: dict[str, Part] = {
    part.__name__: part
    for part in (model, start, polygons, map, area_of_interest, size, memory, scaling)
}

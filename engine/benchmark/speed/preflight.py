"""Compares the estimates before a run with what the run then takes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyogrio.raw
import rasterio
import shapely

from ...progress import Progress
from .engine_run import run_engine
from .figures import Figures
from .parts import Bench

_EVERY_S = 0.02
_MEASURES = {"windows": "", "seconds": "s", "memory_mb": "MB", "disk_mb": "MB"}


def preflight(bench: Bench, progress: Progress) -> Figures:
    """Measures the estimates of several jobs, each requested right before the job itself."""
    figures = Figures(
        "Preflight",
        f"Estimate by what followed, rasters of {bench.side} x {bench.side} px. The first turn may know nothing of "
        "this machine; later ones know what the turns before took.",
    )
    jobs = _jobs(bench)
    for number, (name, (verb, *options)) in enumerate(jobs.items()):
        ratios: dict[str, list[float]] = {measure: [] for measure in _MEASURES}
        taken: dict[str, float] = {}
        for repeat in range(bench.repeats):
            progress.update((number + repeat / bench.repeats) / len(jobs), f"Preflight: {name}")
            told = run_engine(verb, *options, "--dry-run").result["estimate"]
            with watched(bench.folder / name) as held:
                run = run_engine(verb, *options)
            taken = {
                "windows": run.result["windows"]["run"],
                "seconds": run.result["seconds"],
                "memory_mb": run.peak_mb,
                "disk_mb": max(held) / 1e6,
            }
            for measure, values in ratios.items():
                values.append(told[measure] / taken[measure])
        for measure, unit in _MEASURES.items():
            note = f"it took {taken[measure]:.3g} {unit}"
            figures.add(f"{name}: {measure}", "", ratios[measure], note)
    return figures


def _jobs(bench: Bench) -> dict[str, tuple[str, ...]]:
    """Verb and options of each job, by name; each writes to a folder of its name."""
    raster = bench.scene(bench.side, bench.side)
    with rasterio.open(raster) as dataset:
        left, bottom, right, top = dataset.window_bounds(((0, bench.side // 2),) * 2)
    extent = ("--extent", *(str(value) for value in (left, bottom, right, top)))
    threads = ("--threads", str(bench.threads))

    def outputs(name: str, **files: str) -> tuple[str, ...]:
        folder = bench.folder / name
        folder.mkdir(exist_ok=True)
        pairs = ((f"--{key.replace('_', '-')}", str(folder / file)) for key, file in files.items())
        return (*(text for pair in pairs for text in pair), "--device", "cpu", *threads)

    segment = ("segment", "--input", str(raster), "--model", str(bench.path))
    dates = ("--before", str(raster), "--after", str(raster), "--model", "change")
    return {
        "map": (*segment, *outputs("map", output="map.tif", confidence="confidence.tif")),
        "extent": (*segment, *outputs("extent", output="map.tif"), *extent),
        "mask": (
            *segment,
            *outputs("mask", output="map.tif"),
            "--mask",
            str(_triangle(bench, raster)),
        ),
        "swath": (
            *("segment", "--input", str(_swath(bench, raster)), "--model", str(bench.path)),
            *outputs("swath", output="map.tif"),
        ),
        "polygons": (
            *(*segment, "--cog"),
            *outputs("polygons", output="map.tif", output_vector="map.gpkg"),
        ),
        "scenes": (
            *("classify", "--input", str(raster), "--model", "scenes"),
            *outputs("scenes", output="scenes.gpkg"),
        ),
        "change": (
            *("detect-change", *dates),
            *outputs("change", output="change.tif", probability="probability.tif"),
        ),
    }


def _triangle(bench: Bench, raster: Path) -> Path:
    """Writes a polygon over the upper left half of a raster."""
    path = bench.folder / "triangle.gpkg"
    with rasterio.open(raster) as dataset:
        left, bottom, right, top = dataset.bounds
        crs = dataset.crs.to_string()
    shape = shapely.Polygon([(left, top), (right, top), (left, bottom)])
    pyogrio.raw.write(
        path,
        geometry=np.array([shapely.to_wkb(shape)]),
        field_data=[],
        fields=[],
        geometry_type="Polygon",
        crs=crs,
    )
    return path


def _swath(bench: Bench, raster: Path) -> Path:
    """Writes a raster without data in its lower right half, as at the edge of a satellite's swath."""
    path = bench.folder / "swath.tif"
    with rasterio.open(raster) as whole, rasterio.open(path, "w", **whole.profile) as half:
        for index, name in enumerate(whole.descriptions, 1):
            half.set_band_description(index, name)
        for _, window in whole.block_windows():
            values = whole.read(window=window)
            rows, columns = np.indices(values.shape[1:])
            below = rows + window.row_off + columns + window.col_off >= whole.height
            values[:, below] = 0
            half.write(values, window=window)
    return path


@contextmanager
def watched(folder: Path) -> Iterator[list[int]]:
    """Samples the size of a folder while the context is active.

    Args:
        folder: The folder; it is emptied first.

    Yields:
        List of the folder's sizes in bytes, including hidden files; complete at the end.
    """
    for path in folder.iterdir():
        path.unlink()
    held: list[int] = []
    ended = threading.Event()

    def look() -> None:
        while True:
            last = ended.wait(_EVERY_S)
            held.append(_size(folder))
            if last:
                return

    thread = threading.Thread(target=look, name="watch-folder", daemon=True)
    thread.start()
    try:
        yield held
    finally:
        ended.set()
        thread.join()


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:
            continue  # it was removed in the meantime
    return total

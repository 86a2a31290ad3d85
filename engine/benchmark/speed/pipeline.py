"""The part of the speed benchmark about everything around the model."""

from __future__ import annotations

from ...progress import Progress
from .engine_run import run_engine
from .figures import Figures
from .null_model import write_null_model
from .parts import Bench


def pipeline(bench: Bench, progress: Progress) -> Figures:
    """Measures reading, blending and writing with a model that costs next to nothing: the limit for a fast GPU."""
    figures = Figures(
        "Around the model",
        f"{bench.side} x {bench.side} px, 12 bands, ten classes that are ten of the bands, confidence on, a process of "
        "its own.",
    )
    model, raster = write_null_model(bench.folder), bench.scene(bench.side, bench.side)
    files = {
        "--input": raster,
        "--model": model,
        "--output": bench.folder / "null.tif",
        "--confidence": bench.folder / "null-confidence.tif",
    }
    options = [text for name, path in files.items() for text in (name, str(path))]
    threads = str(bench.threads)
    runs = []
    for repeat in range(bench.repeats):
        progress.update(repeat / bench.repeats, f"Around the model: {repeat + 1}")
        runs.append(run_engine("segment", *options, "--device", "cpu", "--threads", threads))
    figures.add("whole run", "s", [run.seconds for run in runs])
    figures.add(
        "speed", "Mpx/s", [bench.side * bench.side / 1e6 / run.result["seconds"] for run in runs]
    )
    figures.add("inside the model", "s", [run.result["model_seconds"] for run in runs])
    figures.add("peak memory", "MB", [run.peak_mb for run in runs])
    return figures

"""The verb `benchmark`, kind accuracy: runs the parts with product and baselines, and writes JSON and Markdown."""

from __future__ import annotations

import importlib
import json
import platform
import time
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from ..assessment_jobs import BenchmarkJob
from ..errors import InvalidParameter
from ..infer.staging import StagedOutputs
from ..progress import Progress
from . import tables
from .protocols import Method
from .scoreboard import Scoreboard

# In the order in which they run, the short ones first.
PARTS = ("cost", "taizhou", "village", "scenes", "water", "oscd")
LIBRARIES = ("numpy", "scipy", "scikit-learn", "torch", "onnxruntime")


def benchmark(job: BenchmarkJob, progress: Progress) -> dict[str, Any]:
    """Measures the product beside its baselines on the same inputs, splits and draws.

    Args:
        job: The checked parameters.
        progress: Takes progress and log.

    Returns:
        "parts": by name, each with "title", "about", "seconds", "figures" (rows of
        `Scoreboard.summary`) and "differences" (rows of `Scoreboard.differences`, the product minus
        each baseline); "versions"; "outputs": "output" and "table" (the same name with .md) if requested;
        "seconds".

    Raises:
        InvalidParameter: A part is unknown, or the folder of the collections is missing.
    """
    started = time.monotonic()
    data, parts = Path(job.data), job.parts or PARTS
    unknown = [part for part in parts if part not in PARTS]
    if unknown:
        raise InvalidParameter(
            f"There is no part '{unknown[0]}' in this benchmark. There are: {', '.join(PARTS)}."
        )
    if not job.data or not data.is_dir():
        raise InvalidParameter(
            f"The folder of the collections '{job.data}' does not exist. Give the one that holds "
            "eurosat_ms, boadella, rstoolbox_sen2, oscd and landsat_taizhou."
        )
    with StagedOutputs() as outputs:
        written = {}
        if job.output:
            written = {"output": job.output, "table": str(Path(job.output).with_suffix(".md"))}
            staged = [
                outputs.stage(path, (Path(path).suffix.lower(),) if name == "table" else (".json",))
                for name, path in written.items()
            ]
        product = {part: own_methods(part, job) for part in parts}
        result: dict[str, Any] = {"parts": {}, "versions": versions()}
        for number, part in enumerate(parts):
            share = progress.part(number / len(parts), (number + 1) / len(parts))
            result["parts"][part] = _measure(part, job, product[part], share)
        if job.output:
            staged[0].write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
            staged[1].write_text(tables.render(result), encoding="utf-8")
    seconds = round(time.monotonic() - started, 1)
    return {**result, "outputs": written, "seconds": seconds}


def own_methods(part: str, job: BenchmarkJob) -> list[tuple[str, Method]]:
    """The product's methods for a part, from `ours.methods`."""
    module = importlib.import_module(".ours", __package__)
    return list(module.methods(part, job))


def baseline_methods(part: str, job: BenchmarkJob) -> list[tuple[str, Method]]:
    """The baselines of a part; their libraries are imported only when needed."""
    if part == "cost":
        return []
    if part in ("oscd", "taizhou"):
        from .change_vectors import ChangeVectors

        otsu: list[tuple[str, Method]] = [("change vectors, Otsu", ChangeVectors(otsu=True))]
        if part == "taizhou":
            return otsu
        from .siamese import Siamese

        return [
            *otsu,
            ("change vectors, fitted threshold", ChangeVectors(otsu=False)),
            ("FC-Siam-diff", Siamese(threads=job.threads, device=job.device)),
        ]
    from .forest import PixelForest, SceneForest
    from .logistic import PixelLogistic, SceneLogistic

    threads = job.threads or -1
    if part == "scenes":
        return [
            ("random forest", SceneForest(texture=False, threads=threads)),
            ("random forest, texture", SceneForest(threads=threads)),
            ("logistic regression", SceneLogistic(texture=False)),
            ("logistic regression, texture", SceneLogistic()),
        ]
    baselines: list[tuple[str, Method]] = [
        ("random forest", PixelForest(texture=False, threads=threads)),
        ("random forest, texture", PixelForest(threads=threads)),
        ("logistic regression", PixelLogistic(texture=False)),
        ("logistic regression, texture", PixelLogistic()),
    ]
    if part == "water":
        from .water_index import WaterIndex

        baselines += [("NDWI > 0", WaterIndex(0.0)), ("NDWI, fitted", WaterIndex(None))]
    return baselines


def versions() -> dict[str, str]:
    """Versions of Python and the libraries, and the machine's architecture."""
    found = {"python": platform.python_version(), "machine": platform.machine()}
    return {**found, **{name: metadata.version(name) for name in LIBRARIES}}


def _measure(
    part: str, job: BenchmarkJob, product: Sequence[tuple[str, Method]], progress: Progress
) -> dict[str, Any]:
    started = time.monotonic()
    module = importlib.import_module(f".{part}", __package__)
    methods = [*product, *baseline_methods(part, job)]
    extra: dict[str, Any] = {}
    if part == "oscd":
        extra = {"seconds": job.fold_seconds}
    elif part in ("village", "water"):
        extra = {"first": job.first_draw}
    board: Scoreboard = module.measure(Path(job.data), methods, job.repeats, progress, **extra)
    return {
        "title": board.title,
        "about": board.about,
        "seconds": round(time.monotonic() - started, 1),
        "figures": board.summary(),
        "differences": board.differences([name for name, _ in product]),
    }

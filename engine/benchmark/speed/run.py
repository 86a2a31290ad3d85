"""The verb `benchmark`, kind speed: runs the parts in order, and writes JSON and Markdown."""

from __future__ import annotations

import importlib
import json
import platform
import tempfile
import time
from importlib import metadata
from pathlib import Path
from typing import Any

from ...assessment_jobs import BenchmarkJob
from ...errors import InvalidParameter
from ...infer.backend import processors
from ...infer.processor import processor_name
from ...infer.staging import StagedOutputs
from ...progress import Progress
from .parts import PARTS, Bench, Part

REPEATS = 3
# Only on request, as they need PyTorch, and minutes or a GPU; each is a function in the module of its name.
ON_REQUEST = ("gpu", "processor", "preflight", "pipeline")
LIBRARIES = ("numpy", "rasterio", "onnxruntime", "openvino", "torch")


def benchmark_speed(job: BenchmarkJob, progress: Progress) -> dict[str, Any]:
    """Measures the engine's speed, compared with a loop over tiles and with itself.

    Args:
        job: The checked parameters.
        progress: Takes progress and log.

    Returns:
        "parts": by name, each as in `Figures.to_dict`; "machine"; "outputs": "output" and "table" (the same name with
        .md) if requested; "seconds".

    Raises:
        InvalidParameter: A part is unknown.
        ModelInvalid: The model does not exist.
    """
    started = time.monotonic()
    names = job.parts or tuple(PARTS)
    parts = [_part(name) for name in names]
    written = {}
    with StagedOutputs() as outputs, tempfile.TemporaryDirectory() as folder:
        if job.output:
            written = {"output": job.output, "table": str(Path(job.output).with_suffix(".md"))}
            staged = [
                outputs.stage(written["output"], (".json",)),
                outputs.stage(written["table"], (".md",)),
            ]
        bench = Bench(job.model, job.side, job.repeats or REPEATS, job.threads, Path(folder))
        found = {}
        for number, (name, measure) in enumerate(zip(names, parts)):
            share = progress.part(number / len(names), (number + 1) / len(names))
            share.update(0.0, name)
            found[name] = measure(bench, share)
        result: dict[str, Any] = {
            "parts": {name: figures.to_dict() for name, figures in found.items()},
            "machine": machine(),
        }
        if job.output:
            staged[0].write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
            lines = [line for figures in found.values() for line in figures.to_markdown()]
            told = ", ".join(f"{name} {value}" for name, value in result["machine"].items())
            staged[1].write_text("\n".join([*lines, f"{told}."]) + "\n", encoding="utf-8")
    return {**result, "outputs": written, "seconds": round(time.monotonic() - started, 1)}


def _part(name: str) -> Part:
    """The function that measures a part.

    Raises:
        InvalidParameter: There is no part of this name.
    """
    if name in ON_REQUEST:
        measure: Part = getattr(importlib.import_module(f".{name}", __package__), name)
        return measure
    if name not in PARTS:
        there = ", ".join((*PARTS, *ON_REQUEST))
        raise InvalidParameter(
            f"There is no part '{name}' in the benchmark of speed. There are: {there}."
        )
    return PARTS[name]


def machine() -> dict[str, str]:
    """The processor, and the versions of the libraries."""
    found = {
        "processor": processor_name(),
        "processors used": str(processors()),
        "python": platform.python_version(),
    }
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found

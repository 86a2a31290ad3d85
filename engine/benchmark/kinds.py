"""The verb `benchmark`; imports its kinds late, as accuracy needs the training libraries and speed does not."""

from __future__ import annotations

import importlib
from typing import Any

from ..assessment_jobs import BenchmarkJob
from ..progress import Progress

_KINDS = {"accuracy": (".run", "benchmark"), "speed": (".speed.run", "benchmark_speed")}


def benchmark(job: BenchmarkJob, progress: Progress) -> dict[str, Any]:
    """Runs the benchmark of the job's kind; see `run.benchmark` and `speed.run.benchmark_speed`."""
    module, name = _KINDS[job.kind]
    measure = getattr(importlib.import_module(module, __package__), name)
    result: dict[str, Any] = measure(job, progress)
    return result

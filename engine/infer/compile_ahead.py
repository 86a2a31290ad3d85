"""Compiles the model in a thread while the libraries that read rasters are being imported.

Compiling needs processors, importing needs Python's lock: side by side they save half a second at the start of every
run. So this module must not import anything slow itself.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from ..errors import EngineError
from ..map_jobs import ChangeJob, ClassifyJob, SegmentJob
from ..memory_limit import memory_limit
from .backend import Backend
from .installed import open_model
from .kept_choices import kept_choice
from .made_up_windows import random_windows
from .processor_backends import other_backends, processor_key

_begun: dict[tuple[Path, int], Backend] = {}


def begin(job: SegmentJob | ClassifyJob | ChangeJob) -> None:
    """Opens and prepares the backend that an earlier run chose; errors are left for the run to report.

    Args:
        job: Nothing is done for a job on a GPU or a cluster, or under a memory limit.
    """
    if job.scheduler or job.device == "gpu" or memory_limit():
        return
    with suppress(EngineError):
        model = open_model(job.model, job.model_task)
        others = other_backends(model.path, model.card, job.threads)
        chosen = kept_choice(processor_key(model.path, others, job.threads))
        if chosen in others:
            backend = others[chosen]()
            backend.prepare(random_windows(model.card, backend.batch))
            _begun[model.path, job.threads] = backend


def begun(path: Path, threads: int) -> Backend | None:
    """The backend that `begin` has opened for a model, handed out once; else None."""
    return _begun.pop((path, threads), None)

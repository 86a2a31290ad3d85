"""A model gets ready while the libraries that read rasters load.

The one needs processors, the other Python's lock: together they take half a second less. So nothing that takes long to
load is imported here.
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
    """Lets the backend that an earlier run chose for a job's model get ready; what is wrong with it the run will tell.

    Args:
        job: Nothing is done for one that is to run on a GPU or a cluster, or where memory is short.
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
    """What `begin` made of a model, given away once; None where it made nothing."""
    return _begun.pop((path, threads), None)

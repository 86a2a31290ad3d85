"""Scenes labelled by the workers of a Dask cluster, each as a single process labels it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

from ..jobs import ClassifyJob
from ..progress import Progress
from .cluster import Likeness, computed_in_order, worker_count, worker_model
from .looks import Found
from .scored_looks import Looks, Scored, lay_scene, score_looks

TASK = "scene-classification"
_TASKS = 4  # for each worker, so that those that are sooner through take more


@dataclass(frozen=True)
class PartsResult:
    """Some parts as a worker gives them.

    Attributes:
        scored: In the order of the windows; places are the worker's.
        found: What else was found.
    """

    scored: list[Scored]
    found: Found


def compute_parts(job: ClassifyJob, likeness: Likeness, parts: range) -> PartsResult:
    """A worker's task.

    Args:
        job: What is asked; its paths lead to the same files here.
        likeness: The client's.
        parts: Of the looks.

    Raises:
        DeviceUnavailable: This worker computes otherwise than the client.
        EngineError: What opening and computing raise.
    """
    with worker_model(job, TASK, likeness) as (model, backend), ExitStack() as opened:
        looks = lay_scene(job, model.card, opened, Progress()).looks
        scored = list(score_looks(backend, looks, Progress(), parts))
        return PartsResult(scored, looks.found(parts))


def score_on_cluster(
    client: Any, job: ClassifyJob, looks: Looks, likeness: Likeness, progress: Progress
) -> Iterator[Scored]:
    """Has workers look, in the place of this process.

    Args:
        client: Of the cluster, `distributed.Client`.
        job: What is asked.
        looks: Where; holds afterwards what was found, as if it were looked at here.
        likeness: What the workers must have alike.
        progress: Told of every task; a cancel takes effect at any time.

    Raises:
        DeviceUnavailable: The cluster is gone, or its workers end at the same task again and again.
        EngineError: What a worker raises.
    """
    workers = worker_count(client, job.workers)
    size = max(1, -(-looks.parts // (workers * _TASKS)))
    tasks = [range(start, min(start + size, looks.parts)) for start in range(0, looks.parts, size)]
    progress.log(f"Cluster: {len(tasks)} tasks for {workers} workers")

    def tell(parts: range) -> None:
        progress.update(parts.start / looks.parts, "Labelling scenes")

    given = (job, likeness)
    for _, result in computed_in_order(
        client, workers, compute_parts, given, tasks, progress, tell
    ):
        first = looks.take(result.found)
        for scored in result.scored:
            yield replace(scored, place=scored.place + first)

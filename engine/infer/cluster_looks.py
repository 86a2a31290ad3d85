"""Scenes labelled by the workers of a Dask cluster, each as a single process labels it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

from ..jobs import ClassifyJob
from ..progress import Progress
from .cluster import Likeness, computed_in_order, worker_count, worker_model
from .scored_looks import Looks, PartsResult, lay_scene, score_parts

_TASKS = 4  # for each worker, so that those that are sooner through take more


def compute_parts(job: ClassifyJob, likeness: Likeness, parts: range) -> PartsResult:
    """A worker's task.

    Args:
        job: The checked job; its paths must lead to the same files on every worker.
        likeness: The client's.
        parts: Of the looks.

    Raises:
        DeviceUnavailable: This worker computes otherwise than the client.
        EngineError: What opening and computing raise.
    """
    with worker_model(job, job.model_task, likeness) as (model, backend), ExitStack() as opened:
        looks = lay_scene(job, model.card, opened, Progress()).looks
        return score_parts(backend, looks, parts, Progress())


class ClusterParts:
    """Has workers look, in the place of this process."""

    def __init__(self, client: Any, job: ClassifyJob, looks: Looks, likeness: Likeness) -> None:
        """Asks for nothing yet.

        Args:
            client: Client of the cluster, `distributed.Client`.
            job: The checked job.
            looks: Where.
            likeness: What the workers must have alike.
        """
        self._client, self._job, self._looks, self._likeness = client, job, looks, likeness

    def __call__(self, progress: Progress, first: int) -> Iterator[PartsResult]:
        """Yields the parts from the first one wanted, in their order.

        Args:
            progress: Updated at every task; a cancel takes effect at any time.
            first: Part to begin with.

        Raises:
            DeviceUnavailable: The cluster is gone, or its workers end at the same task again and again.
            EngineError: What a worker raises.
        """
        workers, end = worker_count(self._client, self._job.workers), self._looks.parts
        size = max(1, -(-end // (workers * _TASKS)))
        tasks = [range(start, min(start + size, end)) for start in range(first, end, size)]
        progress.log(f"Cluster: {len(tasks)} tasks for {workers} workers")

        def tell(parts: range) -> None:
            progress.update(parts.start / end, "Labelling scenes")

        given = (self._job, self._likeness)
        for _, result in computed_in_order(
            self._client, workers, compute_parts, given, tasks, progress, tell
        ):
            yield result

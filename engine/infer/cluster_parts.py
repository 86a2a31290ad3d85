"""Scenes labelled by the workers of a Dask cluster, each as a single process labels it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

from ..jobs import ClassifyJob
from ..progress import Progress
from .cluster import Likeness, computed_in_order, worker_count, worker_model
from .scored_windows import PartsResult, SceneWindows, lay_scene, score_parts

_TASKS = 4  # for each worker, so that faster workers take more of them


def compute_parts(job: ClassifyJob, likeness: Likeness, parts: range) -> PartsResult:
    """Computes some parts in a worker.

    Args:
        job: The checked job; its paths must lead to the same files on every worker.
        likeness: What worker and client must have in common.
        parts: The parts to compute.

    Raises:
        DeviceUnavailable: The worker has another model or backend than the client.
        EngineError: What opening and computing raise.
    """
    with worker_model(job, job.model_task, likeness) as (model, backend), ExitStack() as opened:
        windows = lay_scene(job, model.card, opened, Progress()).windows
        return score_parts(backend, windows, parts, Progress())


class ClusterParts:
    """Computes parts on the workers of a cluster instead of in this process."""

    def __init__(
        self, client: Any, job: ClassifyJob, windows: SceneWindows, likeness: Likeness
    ) -> None:
        """Submits nothing yet.

        Args:
            client: Client of the cluster, `distributed.Client`.
            job: The checked job.
            windows: The windows of the scene.
            likeness: What the workers must have in common with the client.
        """
        self._client, self._job, self._windows, self._likeness = client, job, windows, likeness

    def __call__(self, progress: Progress, first: int) -> Iterator[PartsResult]:
        """Yields the results from part `first` on, in order.

        Args:
            progress: Updated at every task; a cancel takes effect at any time.
            first: Index of the first part to compute.

        Raises:
            DeviceUnavailable: The cluster is gone, or the same task kills its workers again and again.
            EngineError: What a worker raises.
        """
        workers, end = worker_count(self._client, self._job.workers), self._windows.parts
        size = max(1, -(-end // (workers * _TASKS)))
        tasks = [range(start, min(start + size, end)) for start in range(first, end, size)]
        progress.log(f"Cluster: {len(tasks)} tasks for {workers} workers")

        def tell(parts: range) -> None:
            progress.update(parts.start / end, "Classifying scenes")

        given = (self._job, self._likeness)
        for _, result in computed_in_order(
            self._client, workers, compute_parts, given, tasks, progress, tell
        ):
            yield result

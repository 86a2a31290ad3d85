"""How the engine uses a Dask cluster: connects, submits tasks, and takes results in order.

Tasks are independent, so that those of a lost worker are simply computed again by another one.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import Any, Protocol, TypeVar

from ..errors import DeviceUnavailable, EngineError, MissingDependency
from ..progress import Progress
from .backend import Backend, processors
from .backends import open_backend
from .installed import InstalledModel, open_model
from .writer import raster_environment

LOCAL = "local"
WAITING = 2  # tasks in flight for each worker
_POLL = 0.05  # s
_PATIENCE = 30.0  # s of waiting for a task before checking that there are workers at all
_REACH = 10  # s to connect to a scheduler

Task = TypeVar("Task")
Result = TypeVar("Result")


class ClusterJob(Protocol):
    """The fields of a job that can run on a cluster."""

    @property
    def verb(self) -> str:
        """The job's verb."""

    @property
    def model(self) -> str:
        """Name or path of the model; the same on every worker."""

    @property
    def device(self) -> str:
        """Device to compute on."""

    @property
    def threads(self) -> int:
        """Threads of one worker, 0 = all."""

    @property
    def scheduler(self) -> str:
        """Address of the scheduler, or `LOCAL`; empty for none."""

    @property
    def workers(self) -> int:
        """Processes of a local cluster, 0 = one a processor; workers to count on in another one, 0 = all."""


@dataclass(frozen=True)
class Likeness:
    """What client and workers must have in common, so that their results fit together."""

    model: str
    backend: str
    device: str

    @classmethod
    def of(cls, model: InstalledModel, backend: Backend) -> Likeness:
        """The likeness of a loaded model."""
        return cls(model.sha256, backend.name, backend.device)


_one_at_a_time = Lock()  # a worker runs one task at a time, which then has all of its processors


@contextmanager
def worker_model(
    job: ClusterJob, task: str, likeness: Likeness
) -> Iterator[tuple[InstalledModel, Backend]]:
    """The model of a job inside a worker, loaded once and used by one task at a time.

    Args:
        job: The checked job.
        task: The model's task.
        likeness: The likeness of the client.

    Raises:
        DeviceUnavailable: The worker has another model or backend than the client.
        EngineError: What opening the model raises.
    """
    with _one_at_a_time, raster_environment(job.threads):
        model, backend = _loaded(job.model, task, job.device, job.threads, likeness)
        own = Likeness.of(model, backend)
        if own != likeness:
            raise DeviceUnavailable(
                f"A worker would use {own.backend} on {own.device} (model {own.model[:12]}), but the client uses "
                f"{likeness.backend} on {likeness.device} (model {likeness.model[:12]}). Start the workers with the "
                "environment and the models of the client, or set the device to 'cpu'."
            )
        yield model, backend


@lru_cache(maxsize=1)
def _loaded(
    name: str, task: str, device: str, threads: int, expected: Likeness
) -> tuple[InstalledModel, Backend]:
    """The model, cached for the next task; `expected` is part of the key, so that a changed model is read again."""
    model = open_model(name, task)
    return model, open_backend(model.path, model.card, device, threads)


def worker_count(client: Any, most: int = 0) -> int:
    """Workers of a cluster, at least 1; at most `most`, 0 = all."""
    found = max(1, len(client.scheduler_info()["workers"]))
    return min(found, most) if most else found


def computed_in_order(
    client: Any,
    workers: int,
    work: Callable[..., Result],
    given: Sequence[Any],
    tasks: Sequence[Task],
    progress: Progress,
    tell: Callable[[Task], None],
) -> Iterator[tuple[Task, Result]]:
    """Computes tasks on the cluster, and yields each with its result in order.

    At most `WAITING` tasks for each worker are in flight, so that results do not pile up here.

    Args:
        client: Client of the cluster, `distributed.Client`.
        workers: Number of workers to count on.
        work: Called on a worker with `given` and the task.
        given: First arguments of `work`, the same for all tasks.
        tasks: The tasks, in order.
        progress: A cancel takes effect at any time.
        tell: Called with the task that is waited for, to report progress.

    Raises:
        DeviceUnavailable: The cluster is gone, or the same task kills its workers again and again.
        EngineError: What a worker raises.
    """
    ahead = workers * WAITING
    waiting: deque[tuple[Task, Any]] = deque()
    left = deque(tasks)
    try:
        while left or waiting:
            while left and len(waiting) < ahead:
                task = left.popleft()
                waiting.append((task, client.submit(work, *given, task, pure=False)))
            task, future = waiting[0]
            tell(task)
            _wait(client, future, progress)
            result: Result = _result(future)
            waiting.popleft()
            yield task, result
    finally:
        for _, future in waiting:
            future.cancel()


def _wait(client: Any, future: Any, progress: Progress) -> None:
    """Waits for a task, and warns when the cluster has no workers, as that would take for ever."""
    begun = time.monotonic()
    while not future.done():
        progress.check()
        time.sleep(_POLL)
        if time.monotonic() - begun > _PATIENCE:
            begun = time.monotonic()
            if not client.scheduler_info()["workers"]:
                progress.warning(
                    "The cluster has no workers, so the run is waiting for one. Start workers with: dask worker "
                    "ADDRESS, or cancel."
                )


def _result(future: Any) -> Any:
    try:
        return future.result()
    except EngineError:
        raise
    except Exception as error:
        raise DeviceUnavailable(
            "The cluster could not complete a task: its scheduler has stopped, or the task repeatedly ended its "
            "workers. Check the logs of the workers: they may have too little memory, or lack the engine's "
            "libraries.",
            details=repr(error),
        ) from error


@contextmanager
def running_cluster(scheduler: str, workers: int) -> Iterator[str]:
    """The address of a cluster; a local one is started, and stopped when the context is left.

    Args:
        scheduler: Its address, such as tcp://host:8786, or `LOCAL` for processes of this machine.
        workers: Processes of a local cluster, 0 = one for each processor.

    Raises:
        MissingDependency: Dask is not installed.
    """
    try:
        from distributed import LocalCluster
    except ImportError as error:
        raise MissingDependency(
            "A scheduler was given, and this engine does not have Dask. Install it into the engine's environment, on "
            "every machine: pip install -r engine/requirements/cluster.txt",
            details=repr(error),
        ) from error
    if scheduler != LOCAL:
        yield scheduler
        return
    with LocalCluster(
        n_workers=workers or processors(),
        threads_per_worker=1,
        memory_limit=0,
        dashboard_address=None,
    ) as cluster:
        yield cluster.scheduler_address


@contextmanager
def open_cluster(scheduler: str, workers: int) -> Iterator[Any]:
    """A client of a cluster.

    Args:
        scheduler: As `running_cluster`.
        workers: As `running_cluster`.

    Raises:
        MissingDependency: Dask is not installed.
        DeviceUnavailable: The scheduler was not reached.
    """
    with running_cluster(scheduler, workers) as address:
        from distributed import Client

        try:
            # Several jobs of one process have a client each.
            client = Client(address, timeout=_REACH, set_as_default=False)
        except (OSError, ValueError) as error:
            raise DeviceUnavailable(
                f"The scheduler '{scheduler}' was not reached. Expected an address such as tcp://host:8786, or "
                "'local'. Start it with: dask scheduler",
                details=repr(error),
            ) from error
        with client:
            yield client


def worker_threads(job: ClusterJob) -> int:
    """Processor threads of one worker: a local cluster's workers share the machine."""
    if job.threads or job.scheduler != LOCAL:
        return job.threads
    return max(1, processors() // (job.workers or processors()))

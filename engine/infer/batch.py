"""The verb `batch`: many scenes in one run. The model is loaded once; on a cluster several scenes run at a time.

On a cluster, strips of several scenes share one pool of tasks: while one scene is being completed, workers compute
strips of the next.
"""

from __future__ import annotations

import dataclasses
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..batch_jobs import BatchJob
from ..errors import Cancelled, EngineError, ScenesFailed
from ..jobs import ChangeJob, ClassifyJob, SegmentJob
from ..progress import Event, Progress
from .backends import backends_kept
from .classify import classify
from .cluster import open_cluster, running_cluster, worker_count, worker_threads
from .detect_change import detect_change
from .installed import open_model
from .scene_jobs import Scene, scene_jobs
from .scene_table import DONE, RECORDS, TABLE, SceneTable, scene_key
from .segment import segment
from .staging import write_error

AT_ONCE = 8  # most scenes side by side: each has a reader, buffers and open outputs in this process
_NAMED = 10  # failed scenes that the message names; the table has all
LEFT_OUT = "left out"
_WORK: dict[str, tuple[Callable[[Any, Progress], dict[str, Any]], str]] = {
    SegmentJob.verb: (segment, SegmentJob.model_task),
    ClassifyJob.verb: (classify, ClassifyJob.model_task),
    ChangeJob.verb: (detect_change, ChangeJob.model_task),
}


@dataclass(frozen=True)
class _Pool:
    """Where scenes are computed: address and workers of a cluster; "" and 1 stand for this process."""

    scheduler: str = ""
    workers: int = 1

    @property
    def at_once(self) -> int:
        """Scenes that are computed side by side, so that no worker waits for a scene to be completed."""
        return min(AT_ONCE, max(2, self.workers)) if self.scheduler else 1

    def share(self, left: int) -> int:
        """Workers to cut a scene's strips for, while `left` scenes have not begun."""
        return -(-self.workers // max(1, min(self.at_once, left)))


def compute_scenes(job: BatchJob, progress: Progress) -> dict[str, Any]:
    """Runs one verb over many scenes.

    Args:
        job: The checked job.
        progress: Updated at every scene; a cancel ends all scenes in work and keeps the finished ones.

    Returns:
        The protocol's result: folder, tables, and the state of each scene.

    Raises:
        ScenesFailed: Some could not be computed; all others are done.
        EngineError: No scene can be computed (no model, no folder, no cluster), or the table cannot be written any
            more.
    """
    verb, task = _WORK[job.task]
    scenes = scene_jobs(job)
    model = open_model(job.model, task)
    folder = Path(os.path.abspath(job.output_folder))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_error(folder, error) from error
    table = SceneTable(folder, [scene.name for scene in scenes])
    keys = {scene.name: scene_key(scene.job, scene.rasters, model.sha256) for scene in scenes}
    left = [s for s in scenes if not (job.resume and table.is_done(s.name, keys[s.name]))]
    if len(left) < len(scenes):
        progress.log(
            f"{len(scenes) - len(left)} of {len(scenes)} scenes were completed by an earlier run and are skipped"
        )
    run = _Run(job, verb, left, keys, table, _Board(progress, len(left)))
    reasons: list[str] = []
    if left:
        with ExitStack() as stack:
            stack.enter_context(backends_kept())
            pool = stack.enter_context(_pool(job))
            threads = stack.enter_context(ThreadPoolExecutor(pool.at_once, "scene"))
            futures = [threads.submit(run.compute, place, pool) for place in range(len(left))]
            reasons = [future.result() for future in futures]
    if not table.complete():
        progress.warning(
            f"'{folder / TABLE}' could not be updated, because another program, such as a spreadsheet, has it open. "
            f"Close it there and run the same command again, which only writes the table. Until then, '{RECORDS}' "
            "lists all scenes."
        )
    progress.update(1.0, "Done")
    failed = [(scene.name, reason) for scene, reason in zip(left, reasons) if reason]
    if failed:
        _raise(failed, len(scenes), folder / TABLE)
    computed = {scene.name for scene in left}
    return {
        "outputs": {
            "output_folder": str(folder),
            "table": str(folder / TABLE),
            "records": str(folder / RECORDS),
        },
        "scenes": {scene.name: DONE if scene.name in computed else LEFT_OUT for scene in scenes},
    }


@dataclass(frozen=True)
class _Run:
    """Computes the scenes of a job, each in a thread.

    Attributes:
        job: The checked job.
        verb: The function that computes a scene.
        scenes: In their order.
        keys: Key by which the table recognises a finished scene, by the scene's name.
        table: Records what is done or failed.
        board: Joins the progress of all scenes.
        ended: Set when no further scene may begin.
    """

    job: BatchJob
    verb: Callable[[Any, Progress], dict[str, Any]]
    scenes: Sequence[Scene]
    keys: dict[str, str]
    table: SceneTable
    board: _Board
    ended: threading.Event = field(default_factory=threading.Event)

    def compute(self, place: int, pool: _Pool) -> str:
        """Computes one scene; returns the reason why it failed, empty when it did not."""
        if self.ended.is_set():
            raise Cancelled()
        scene = self.scenes[place]
        own = self.board.of_scene(place, scene.name)
        threads = worker_threads(self.job)
        asked = dataclasses.replace(scene.job, threads=threads, scheduler=pool.scheduler)
        if pool.scheduler:
            asked = dataclasses.replace(asked, workers=pool.share(len(self.scenes) - place))
        try:
            own.check()
            result = self.verb(asked, own)
            with self.board.lock:
                self.table.done(scene.name, self.keys[scene.name], scene.rasters, result)
            return ""
        except Cancelled:
            raise
        except Exception as error:
            known = isinstance(error, EngineError)
            reason = str(error) if known else f"unexpected error ({type(error).__name__}: {error})"
            own.warning(reason)
            self._note_failure(scene, reason)
            return reason

    def _note_failure(self, scene: Scene, reason: str) -> None:
        try:
            with self.board.lock:
                self.table.failed(scene.name, scene.rasters, reason)
        except EngineError:  # without the table nobody could tell which scenes are left
            self.ended.set()
            raise


@contextmanager
def _pool(job: BatchJob) -> Iterator[_Pool]:
    if not job.scheduler:
        yield _Pool()
        return
    with running_cluster(job.scheduler, job.workers) as address:
        with open_cluster(address, 0) as client:
            workers = worker_count(client, job.workers)
        yield _Pool(address, workers)


def _raise(failed: list[tuple[str, str]], count: int, table: Path) -> None:
    named = "; ".join(f"{name}: {reason.rstrip('.')}" for name, reason in failed[:_NAMED])
    raise ScenesFailed(
        f"{len(failed)} of {count} scenes failed: {named}. All others are complete; '{table}' lists every scene. Fix "
        "the problem and run the same command again: completed scenes are skipped.",
        details="\n".join(f"{name}: {reason}" for name, reason in failed),
    )


class _Board:
    """Joins the progress of several scenes, each in a thread of its own, into one."""

    def __init__(self, progress: Progress, count: int) -> None:
        self.lock = threading.RLock()
        self._progress, self._done = progress, [0.0] * max(1, count)

    def of_scene(self, place: int, name: str) -> Progress:
        """The progress object of one scene."""
        return _SceneProgress(self, place, name)

    def check(self) -> None:
        """Raises `Cancelled` in every thread once the user has cancelled."""
        self._progress.check()

    def update(self, place: int, fraction: float, message: str) -> None:
        """Records how far one scene is."""
        with self.lock:
            self._done[place] = max(self._done[place], fraction)
            self._progress.update(sum(self._done) / len(self._done), message)

    def emit(self, event: Event) -> None:
        """Passes on."""
        with self.lock:
            self._progress.emit(event)


class _SceneProgress(Progress):
    def __init__(self, board: _Board, place: int, name: str) -> None:
        super().__init__()
        self._board, self._place, self._name = board, place, name

    def check(self) -> None:
        self._board.check()

    def update(self, fraction: float, message: str = "") -> None:
        self._board.update(self._place, min(1.0, float(fraction)), f"{self._name}: {message}")

    def skip(self, fraction: float) -> None:
        """Ignored: what one scene has finished before says little about the time of all."""

    def emit(self, event: Event) -> None:
        if "message" in event:
            event = {**event, "message": f"{self._name}: {event['message']}"}
        self._board.emit(event)

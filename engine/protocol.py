"""The engine's side of the two-process protocol: one job in, one JSON event a line out.

Standard output belongs to the protocol. While a job runs, whatever a library prints goes to standard error instead.

The events: any number of

    {"event": "progress", "fraction": 0.42, "message": "...", "eta_s": 31}
    {"event": "log", "message": "..."}          {"event": "warning", "message": "..."}
    {"event": "metric", "name": "val_miou", "step": 12, "value": 0.71}
    {"event": "state", ...}                      facts that hold from now on, such as "keeps"

and in the end exactly one of

    {"event": "result", ...}
    {"event": "error", "kind": "...", "message": "...", "details": "..."}
    {"event": "cancelled"}

The end of standard input without {"cancel": true} means that the client is gone: the job ends as if cancelled, and
keeps what a later run of the same job can go on from.

A cancel before {"event": "state", "keeps": true} ends in "cancelled", and nothing is left behind. A cancel after it
ends in a "result" with "cancelled": true: the best so far, written like any other. That may take the time that writing
takes; a client whose user does not want to wait, and says so by a second cancel, kills the process.

Metrics of fine-tuning, with the class's title after a slash where a figure is of one class:

    loss, val_accuracy, val_miou, val_iou/CLASS   of a round (step 0: before the first); val_map for several labels
    part_accuracy, part_miou, part_iou/CLASS      of a head on frozen features: of all labels that were held back
                                                  in the parts 1..step
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from typing import IO, Any, Callable

from .errors import Cancelled, ClientGone, EngineError, InvalidParameter, OutOfMemory
from .memory_limit import is_shortage, limit_in_words
from .progress import Event, Progress

_PAUSE = 0.1  # s
EXIT_DONE, EXIT_FAILED, EXIT_BAD_USAGE, EXIT_CANCELLED = 0, 1, 2, 130

Work = Callable[[dict[str, Any], Progress], dict[str, Any]]


class EventStream(Progress):
    """A progress that writes its events to a text stream, one JSON object a line."""

    def __init__(self, stream: IO[str]) -> None:
        """Writes to `stream`; `cancel` and `abandon` may be called from any thread."""
        self._cancelled = threading.Event()
        self._gone = threading.Event()
        super().__init__(self._cancelled.is_set)
        self._stream = stream
        self._lock = threading.Lock()
        self._told, self._told_at = "", 0.0

    def cancel(self) -> None:
        """Makes the next `check` raise `Cancelled`."""
        self._cancelled.set()

    def abandon(self) -> None:
        """Makes the next `check` raise `ClientGone`, unless there was a cancel."""
        self._gone.set()

    def check(self) -> None:
        """Raises `Cancelled` when the user has cancelled, `ClientGone` when nobody listens any more."""
        super().check()
        if self._gone.is_set():
            raise ClientGone()

    def emit(self, event: Event) -> None:
        """Writes one event; a reader that has gone away ends the work.

        Of progress that tells the same in other numbers, `_PAUSE` passes between two.
        """
        if event["event"] == "progress":
            now, message = time.monotonic(), event["message"]
            if message == self._told and now - self._told_at < _PAUSE and event["fraction"] < 1:
                return
            self._told, self._told_at = message, now
        line = as_json(event)
        with self._lock:
            try:
                self._stream.write(line + "\n")
                self._stream.flush()
            except (OSError, ValueError):  # Windows has several words for a pipe that nobody reads
                self._gone.set()


def as_json(event: Event, indent: int | None = None) -> str:
    """An event as JSON, which knows no NaN: null stands for it, as in the accuracy of a card from elsewhere."""
    try:
        return json.dumps(event, ensure_ascii=False, allow_nan=False, default=str, indent=indent)
    except ValueError:
        known = json.loads(json.dumps(event, default=str), parse_constant=lambda name: None)
        return json.dumps(known, ensure_ascii=False, indent=indent)


@contextlib.contextmanager
def stdout_for_events() -> Iterator[IO[str]]:
    """Gives the real standard output as a UTF-8 text stream and sends every other print to standard error."""
    sys.stdout.flush()
    real = os.dup(1)
    os.dup2(2, 1)
    # A path that is no UTF-8 holds half characters: escaped, they are JSON, and come back as they were.
    stream = os.fdopen(real, "w", encoding="utf-8", errors="backslashreplace", newline="\n")
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield stream
    finally:
        with contextlib.suppress(OSError):
            stream.flush()
        os.dup2(real, 1)
        with contextlib.suppress(OSError):
            stream.close()


def serve(stdin: IO[str], events: EventStream, work: Work) -> int:
    """Runs the one job that stands on the first line of `stdin`.

    A line {"cancel": true}, or the end of `stdin`, cancels it.

    Args:
        stdin: The client's end.
        events: Where the events go.
        work: Runs the job, given as a dictionary; returns the result's fields.

    Returns:
        The exit code: 0 done, 1 failed, 130 cancelled.
    """

    def read_job(events: Progress) -> dict[str, Any]:
        line = stdin.readline()
        try:
            job = json.loads(line)
        except ValueError as error:
            raise InvalidParameter(
                f"The job is not a JSON object on one line: got {line[:80]!r}.", repr(error)
            ) from error
        if not isinstance(job, dict):
            raise InvalidParameter(f"The job is not a JSON object: got {line[:80]!r}.")
        threading.Thread(target=_watch, args=(stdin, events), daemon=True).start()
        return work(job, events)

    return report(events, read_job)


def report(events: Progress, work: Callable[[Progress], dict[str, Any]]) -> int:
    """Runs `work` and ends with exactly one of the events result, error and cancelled."""
    try:
        result = work(events)
    except Cancelled:
        events.emit({"event": "cancelled"})
        return EXIT_CANCELLED
    except Exception as error:
        events.emit({"event": "error", **_explained(error)})
        return EXIT_BAD_USAGE if isinstance(error, InvalidParameter) else EXIT_FAILED
    events.emit({"event": "result", **result})
    return EXIT_DONE


def _explained(error: Exception) -> dict[str, str]:
    """Kind, message and details of the error being handled, as the event `error` carries them."""
    if isinstance(error, EngineError):
        limit = limit_in_words() if isinstance(error, OutOfMemory) else ""
        return {
            "kind": error.kind,
            "message": error.message + limit,
            "details": error.details,
        }
    if is_shortage(error):
        message = "The engine ran out of memory. Close other programs, or work on a smaller area."
        return {
            "kind": "OutOfMemory",
            "message": message + limit_in_words(),
            "details": repr(error),
        }
    return {
        "kind": "Unexpected",
        "message": f"The engine met an unexpected error ({type(error).__name__}: {error}). Please report it.",
        "details": traceback.format_exc(),
    }


def _watch(stdin: IO[str], events: Progress) -> None:
    """Cancels on {"cancel": true}; the end of the stream without it means that the client is gone."""
    if not isinstance(events, EventStream):
        return
    for line in stdin:
        try:
            message = json.loads(line)
        except ValueError:
            continue
        if isinstance(message, dict) and message.get("cancel"):
            events.cancel()
            return
    events.abandon()

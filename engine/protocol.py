"""The engine's side of the two-process protocol: reads one job, and writes JSON events, one per line.

Standard output is reserved for the protocol. While a job runs, output of libraries goes to standard error instead.

The events: any number of

    {"event": "progress", "fraction": 0.42, "message": "...", "eta_s": 31}
    {"event": "log", "message": "..."}          {"event": "warning", "message": "..."}
    {"event": "metric", "name": "val_miou", "step": 12, "value": 0.71}
    {"event": "state", ...}                      facts that hold from now on, see below

and in the end exactly one of

    {"event": "result", ...}
    {"event": "error", "kind": "...", "message": "...", "details": "..."}
    {"event": "cancelled"}

If standard input ends without {"cancel": true}, the client is gone: the job stops as if cancelled, but keeps what a
later run of the same job can resume from.

A cancel before {"event": "state", "keeps": true} ends in "cancelled" and leaves nothing behind. A cancel after it ends
in a "result" with "cancelled": true, which is the best model so far, written as usual. Writing takes a moment; if the
user cancels a second time so as not to wait, the client kills the process.

Metrics of fine-tuning; a figure of a single class has the class's title after a slash:

    loss, val_accuracy, val_miou, val_iou/CLASS   after each round (step 0: before the first); val_map for multi-label
    part_accuracy, part_miou, part_iou/CLASS      of a head on frozen features, over all held-out labels of
                                                  folds 1..step
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
from .logins import masked
from .memory_limit import is_shortage, limit_in_words
from .progress import Event, Progress

_PAUSE = 0.1  # least seconds between two progress events with the same message
EXIT_DONE, EXIT_FAILED, EXIT_BAD_USAGE, EXIT_CANCELLED = 0, 1, 2, 130

Work = Callable[[dict[str, Any], Progress], dict[str, Any]]


class EventStream(Progress):
    """A progress that writes its events to a text stream, one JSON object per line."""

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
        """Makes the next `check` raise `ClientGone`, unless the job was cancelled before."""
        self._gone.set()

    def check(self) -> None:
        """Raises `Cancelled` if the user has cancelled, `ClientGone` if the client is gone."""
        super().check()
        if self._gone.is_set():
            raise ClientGone()

    def emit(self, event: Event) -> None:
        """Writes one event; if nobody reads any more, the next `check` ends the work.

        Progress events with an unchanged message are written at most every `_PAUSE` seconds.
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
            except (OSError, ValueError):  # Windows reports a pipe without a reader in several ways
                self._gone.set()


def as_json(event: Event, indent: int | None = None) -> str:
    """An event as JSON without logins; NaN, which JSON lacks and foreign cards may contain, becomes null."""
    event = masked(event)
    try:
        return json.dumps(event, ensure_ascii=False, allow_nan=False, default=str, indent=indent)
    except ValueError:
        known = json.loads(json.dumps(event, default=str), parse_constant=lambda name: None)
        return json.dumps(known, ensure_ascii=False, indent=indent)


@contextlib.contextmanager
def stdout_for_events() -> Iterator[IO[str]]:
    """Yields the real standard output as a UTF-8 text stream, and redirects all other output to standard error."""
    sys.stdout.flush()
    real = os.dup(1)
    os.dup2(2, 1)
    # A path that is not UTF-8 contains lone surrogates: escaped, they are valid JSON and decode to the same path.
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
    """Runs the job on the first line of `stdin`.

    A line {"cancel": true}, or the end of `stdin`, cancels it.

    Args:
        stdin: Lines from the client.
        events: Takes the events.
        work: Runs a job, given as a dictionary, and returns the result's fields.

    Returns:
        The exit code: 0 done, 1 failed, 130 cancelled.
    """

    def read_job(events: Progress) -> dict[str, Any]:
        line = stdin.readline()
        try:
            job = json.loads(line)
        except ValueError as error:
            raise InvalidParameter(
                f"The job is not a JSON object on a single line: {line[:80]!r}.", repr(error)
            ) from error
        if not isinstance(job, dict):
            raise InvalidParameter(f"The job is not a JSON object: {line[:80]!r}.")
        threading.Thread(target=_watch, args=(stdin, events), daemon=True).start()
        return work(job, events)

    return report(events, read_job)


def report(events: Progress, work: Callable[[Progress], dict[str, Any]]) -> int:
    """Runs `work`, ends with exactly one event (result, error or cancelled), and returns the exit code."""
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
    """Kind, message and details of the error being handled, for the event `error`."""
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
        "message": f"An unexpected error occurred in the engine ({type(error).__name__}: {error}). Please report it.",
        "details": traceback.format_exc(),
    }


def _watch(stdin: IO[str], events: Progress) -> None:
    """Cancels on {"cancel": true}; abandons the job if the stream ends without it."""
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

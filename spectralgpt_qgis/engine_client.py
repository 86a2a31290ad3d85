"""The client of the engine: starts it and exchanges JSON lines with it.

Every job runs in a process of its own. :meth:`EngineClient.run` blocks the calling thread, on which
it calls all callbacks; three small threads serve the pipes, so that a full buffer blocks neither
side. Standard library only, so that it works in Processing algorithms, in tasks and in scripts.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess  # nosec B404
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

from . import child_process, paths
from .engine_exit import explain_exit
from .job_failure import remember_failure
from .redaction import without_secrets

_POLL = 0.05  # s between two polls of is_cancelled
_GRACE = 5.0  # s within which an engine must end after a cancel or its last event
_WRITING = 600.0  # s within which it must end after a cancel if it keeps a result
_SILENCE = 0.5  # s to wait for the last lines after the process has ended
_LONGEST_LINE = 1 << 24  # bytes, limit for one event
_TAIL = 200  # last lines of stderr to keep
# Fields of results that hold sentences for the user, which are translated.
_SENTENCES = ("reason", "problem", "problems", "warnings", "scaling", "values", "nodata", "remark")
_END = object()


class EngineCancelled(Exception):
    """The job was cancelled, and the engine has removed its partial outputs."""


class EngineFailed(Exception):
    """The job failed.

    Attributes:
        kind: Name of the engine's error class, or one of the client's own: ``EngineMissing``
            (cannot be started), ``EngineDied`` (ended without an answer).
        message: What was given, what was expected, what to do.
        details: Technical text: traceback, or the end of the engine's error output.
    """

    def __init__(self, kind: str, message: str, details: str = "") -> None:
        """Keep the parts; the exception's text is the message."""
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.details = details


class EngineClient:
    """Runs one job at a time in an engine process of its own."""

    _busy: ClassVar[set[EngineClient]] = set()

    def __init__(
        self,
        python: Path | str,
        *,
        root: Path = paths.ROOT,
        models: Path | None = None,
        shared: Sequence[Path] = (),
        grace: float = _GRACE,
        memory: int = 0,
        words: Callable[[str], str] = str,
    ) -> None:
        """Make a client; the engine is started by :meth:`run`.

        Args:
            python: The engine's interpreter, see ``EngineEnvironment.python``.
            root: The folder that contains the ``engine`` package.
            models: The folder of the user's own models; None for the default one.
            shared: Shared folders of models, searched after the user's own.
            grace: Seconds after which a cancelled engine is killed.
            memory: Memory limit of the engine in MB; 0 for none.
            words: Translates the engine's messages into the user's language.
        """
        self.python = Path(python)
        self._root = root
        self._models = models or paths.user_models()
        self._shared = tuple(shared)
        self._grace = grace
        self._memory = memory
        self._words = words
        self._cancel = threading.Event()
        self._abandon = threading.Event()
        # Of the last engine process; part of the names of its hidden output folders.
        self.pid: int | None = None

    def cancel(self) -> None:
        """Ask the running job to stop; may be called from any thread, returns at once.

        If the engine has a result worth keeping, it writes that first; a second call does not wait for it.
        """
        if self._cancel.is_set():
            self._abandon.set()
        self._cancel.set()

    @classmethod
    def abandon_all(cls) -> None:
        """Kill all running jobs of this process without keeping any results."""
        for client in tuple(cls._busy):
            client._abandon.set()
            client._cancel.set()

    def run(
        self,
        verb: str,
        parameters: dict[str, Any],
        *,
        on_progress: Callable[[float, str, float | None], None] | None = None,
        on_log: Callable[[str], None] | None = None,
        on_warning: Callable[[str], None] | None = None,
        on_metric: Callable[[str, int, float], None] | None = None,
        on_state: Callable[[dict[str, Any]], None] | None = None,
        is_cancelled: Callable[[], bool] | None = None,
        is_abandoned: Callable[[], bool] | None = None,
    ) -> dict[str, Any]:
        """Run one job to its end.

        Args:
            verb: The engine's verb, such as ``"segment"``.
            parameters: The fields of the verb's job, serialisable as JSON, with absolute paths.
            on_progress: Called with the fraction (0..1, never falling), a message and the seconds left.
            on_log: Called with lines for the log.
            on_warning: Called with warnings for the user.
            on_metric: Called with the name, step and value of a training metric.
            on_state: Called with facts that hold from now on; ``keeps`` means that a cancel yields a result.
            is_cancelled: Polled 20 times a second, such as ``feedback.isCanceled``.
            is_abandoned: Polled after a cancel; True if the user does not want to wait for a result.

        Returns:
            The engine's result; also after a cancel, if the engine kept one.

        Raises:
            EngineFailed: With the engine's own message, or an explanation of how its process ended.
            EngineCancelled: If the job was cancelled here and left no result.
        """
        listeners = _Listeners(on_progress, on_log, on_warning, on_metric, on_state, self._words)
        session = _Session(self._start(), {"verb": verb, "parameters": parameters})
        self.pid = session.process.pid
        self._busy.add(self)
        try:
            final = self._follow(session, listeners, is_cancelled or bool, is_abandoned or bool)
        finally:
            self._busy.discard(self)
            code = session.close(self._grace)
            cancelled = self._cancel.is_set()
            self._cancel.clear()
            self._abandon.clear()
        name = final.pop("event", None)
        if name == "result":
            return {key: _in_words(value, self._words, key) for key, value in final.items()}
        if cancelled:
            raise EngineCancelled
        failure = self._failure(name, final, code, session.tail())
        remember_failure(verb, failure.kind, failure.message, failure.details)
        raise EngineFailed(failure.kind, self._words(failure.message), failure.details)

    def _failure(
        self, name: str | None, final: dict[str, Any], code: int | None, tail: str
    ) -> EngineFailed:
        if name == "error":
            return EngineFailed(
                str(final.get("kind") or "EngineError"),
                str(final.get("message") or "The engine failed without an error message."),
                str(final.get("details") or tail),
            )
        code = -signal.SIGTERM if name == "cancelled" else code
        return EngineFailed("EngineDied", explain_exit(code, tail, self._memory), tail)

    def _start(self) -> subprocess.Popen[bytes]:
        # Before Python 3.11, "-m" puts the working folder first on sys.path, so the engine must start
        # in its own folder; since 3.11, PYTHONSAFEPATH alone would do.
        environment = child_process.clean_environment(
            PYTHONPATH=str(self._root), SPECTRALGPT_MODELS=str(self._models)
        )
        if self._shared:
            environment["SPECTRALGPT_SHARED_MODELS"] = os.pathsep.join(map(str, self._shared))
        if self._memory:
            environment["SPECTRALGPT_MEMORY"] = str(self._memory)
        try:
            return child_process.start(
                [self.python, "-m", "engine", "run"],
                cwd=self._root,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        except OSError as error:
            raise EngineFailed(
                "EngineMissing",
                f"The engine could not be started: {error.strerror or error} ({self.python}). "
                "Install or repair it in the settings under SpectralGPT.",
                repr(error),
            ) from error

    def _follow(
        self,
        session: _Session,
        listeners: _Listeners,
        is_cancelled: Callable[[], bool],
        is_abandoned: Callable[[], bool],
    ) -> dict[str, Any]:
        """Pass events on until the final one, and return that; empty if the engine ended without one."""
        asked: float | None = None
        while True:
            if asked is None and (self._cancel.is_set() or is_cancelled()):
                self._cancel.set()
                session.ask_to_stop()
                asked = time.monotonic()
            if asked is not None:
                grace = _WRITING if listeners.keeps else self._grace
                given_up = self._abandon.is_set() or is_abandoned()
                if given_up or time.monotonic() - asked > grace:
                    child_process.end(session.process)
                    return {}
            event = session.next_event(_POLL)
            if event is _END:
                return {}
            if event is not None and listeners.take(event):
                return event


class _Listeners:
    """Dispatches events to the caller's callbacks; the fraction never falls."""

    def __init__(
        self,
        on_progress: Callable[[float, str, float | None], None] | None,
        on_log: Callable[[str], None] | None,
        on_warning: Callable[[str], None] | None,
        on_metric: Callable[[str, int, float], None] | None,
        on_state: Callable[[dict[str, Any]], None] | None,
        words: Callable[[str], str],
    ) -> None:
        self._words = words
        self._progress, self._log = on_progress, on_log
        self._warning, self._metric, self._state = on_warning, on_metric, on_state
        self._fraction = 0.0
        self.keeps = False

    def take(self, event: dict[str, Any]) -> bool:
        """Dispatch one event; return whether it is the job's final one."""
        name = event.get("event")
        if name == "progress" and self._progress:
            fraction = min(max(_number(event.get("fraction")), self._fraction), 1.0)
            self._fraction = fraction
            left = event.get("eta_s")
            message = self._message(event)
            self._progress(fraction, message, None if left is None else _number(left))
        elif name == "log" and self._log:
            self._log(self._message(event))
        elif name == "warning" and self._warning:
            self._warning(self._message(event))
        elif name == "metric" and self._metric:
            step, value = _number(event.get("step")), _number(event.get("value"))
            self._metric(str(event.get("name", "")), int(step), value)
        elif name == "state":
            self.keeps = bool(event.get("keeps", self.keeps))
            if self._state:
                self._state({key: value for key, value in event.items() if key != "event"})
        return name in ("result", "error", "cancelled")

    def _message(self, event: dict[str, Any]) -> str:
        return self._words(str(event.get("message") or ""))


class _Session:
    """One engine process and its three pipes."""

    def __init__(self, process: subprocess.Popen[bytes], job: dict[str, Any]) -> None:
        self.process = process
        self._events: queue.Queue[Any] = queue.Queue()
        self._input: queue.Queue[str | None] = queue.Queue()
        self._tail: deque[str] = deque(maxlen=_TAIL)
        self._ended: float | None = None
        self._input.put(json.dumps(job))
        self._threads = [
            threading.Thread(target=target, daemon=True)
            for target in (self._feed, self._listen, self._keep_errors)
        ]
        for thread in self._threads:
            thread.start()

    def ask_to_stop(self) -> None:
        """Send the cancel line and close stdin, each of which cancels the job."""
        self._input.put(json.dumps({"cancel": True}))
        self._input.put(None)

    def next_event(self, timeout: float) -> Any:
        """Return the next event, None if there is none yet, or _END if there will be no more."""
        try:
            return self._events.get(timeout=timeout)
        except queue.Empty:
            # Do not wait for the end of the pipe: a worker process that outlives the engine keeps it open.
            if self.process.poll() is None:
                return None
            self._ended = self._ended or time.monotonic()
            return _END if time.monotonic() - self._ended > _SILENCE else None

    def tail(self) -> str:
        """Return the last lines of the error output, in which libraries may tell addresses with logins."""
        return without_secrets("\n".join(list(self._tail)))

    def close(self, grace: float) -> int | None:
        """Wait for the engine to end, or kill it with all that it started.

        Args:
            grace: Seconds to wait.

        Returns:
            Its exit code; None if it had to be killed.
        """
        self._input.put(None)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(grace)
        code = self.process.poll()
        child_process.end(self.process)
        for thread in self._threads:
            thread.join(1.0)
        return code

    def _feed(self) -> None:
        stdin: BinaryIO = self.process.stdin  # type: ignore[assignment]
        # The engine may have ended already; its exit code tells why.
        with contextlib.suppress(OSError, ValueError):
            while (line := self._input.get()) is not None:
                stdin.write(line.encode() + b"\n")
                stdin.flush()
        with contextlib.suppress(OSError):
            stdin.close()

    def _listen(self) -> None:
        stdout: BinaryIO = self.process.stdout  # type: ignore[assignment]
        with stdout:
            while raw := stdout.readline(_LONGEST_LINE):
                line = raw.decode("utf-8", "replace").strip()
                event = _parse(line)
                if event is not None:
                    self._events.put(event)
                elif line:
                    self._tail.append(line)
        self._events.put(_END)

    def _keep_errors(self) -> None:
        stderr: BinaryIO = self.process.stderr  # type: ignore[assignment]
        with stderr:
            while raw := stderr.readline(_LONGEST_LINE):
                self._tail.append(raw.decode("utf-8", "replace").rstrip()[:2000])


def _parse(line: str) -> dict[str, Any] | None:
    """Return the event in a line; None for other output, such as that of a library."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and "event" in event else None


def _in_words(value: Any, words: Callable[[str], str], key: str) -> Any:
    """A part of a result, with its sentences translated."""
    if isinstance(value, dict):
        return {name: _in_words(part, words, name) for name, part in value.items()}
    if isinstance(value, list):
        return [_in_words(part, words, key) for part in value]
    return words(value) if isinstance(value, str) and key in _SENTENCES else value


def _number(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0

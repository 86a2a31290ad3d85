"""Progress reports of verbs, and where a cancel takes effect."""

from __future__ import annotations

import time
from typing import Any, Callable

from .errors import Cancelled

Event = dict[str, Any]


class Progress:
    """Reports nothing, for tests and library use; subclasses override `emit`."""

    def __init__(self, is_cancelled: Callable[[], bool] | None = None) -> None:
        """Starts the clock.

        Args:
            is_cancelled: Polled at every update; true ends the work with `Cancelled`.
        """
        self._is_cancelled = is_cancelled
        self._started = time.monotonic()
        self._fraction = self._skipped = 0.0

    def emit(self, event: Event) -> None:
        """Takes one event; the base class drops it."""

    def check(self) -> None:
        """Raises `Cancelled` if the user has cancelled."""
        if self._is_cancelled is not None and self._is_cancelled():
            raise Cancelled()

    def update(self, fraction: float, message: str = "") -> None:
        """Reports progress, which never goes backwards.

        Args:
            fraction: Share done, 0..1.
            message: What is being done, for the user.

        Raises:
            Cancelled: The user has cancelled.
        """
        self.check()
        self._fraction = max(self._fraction, min(1.0, float(fraction)))
        event: Event = {
            "event": "progress",
            "fraction": round(self._fraction, 4),
            "message": message,
        }
        elapsed = time.monotonic() - self._started
        done = self._fraction - self._skipped
        if done > 0.02 and elapsed > 2:
            event["eta_s"] = round(elapsed * (1 - self._fraction) / done)
        self.emit(event)

    def skip(self, fraction: float) -> None:
        """Declares a share as done by an earlier run, so that the time left is not estimated from it."""
        self._skipped = max(0.0, min(1.0, float(fraction)))

    def log(self, message: str) -> None:
        """Adds a line to the user's log."""
        self.emit({"event": "log", "message": message})

    def warning(self, message: str) -> None:
        """Warns the user of a problem that does not stop the work."""
        self.emit({"event": "warning", "message": message})

    def metric(self, name: str, step: int, value: float) -> None:
        """Reports one point of a curve."""
        self.emit({"event": "metric", "name": name, "step": int(step), "value": float(value)})

    def state(self, **facts: Any) -> None:
        """Reports facts that hold from now on, for whoever displays the run; a fact replaces one of the same name.

        Args:
            facts: JSON-serialisable values. `keeps` (true) also tells the client that a cancel from now on ends in
                a result, because what exists is worth keeping.
        """
        self.emit({"event": "state", **facts})

    def part(self, start: float, end: float) -> Progress:
        """The progress of a part of the work: its 0..1 is this one's `start`..`end`."""
        return _Part(self, start, end)


class Unstoppable(Progress):
    """Forwards events but ignores a cancel, for the last steps, in which a cancel would lose the result."""

    def __init__(self, progress: Progress) -> None:
        """Forwards to `progress`."""
        super().__init__()
        self._progress = progress

    def emit(self, event: Event) -> None:
        """Forwards an event."""
        self._progress.emit(event)


class Quiet(Progress):
    """Forwards progress and cancels, but no log and no metrics, for work that is repeated internally."""

    def __init__(self, progress: Progress) -> None:
        """Forwards to `progress`."""
        super().__init__()
        self._progress = progress

    def check(self) -> None:
        """Raises `Cancelled` if the user has cancelled."""
        self._progress.check()

    def update(self, fraction: float, message: str = "") -> None:
        """Forwards the progress."""
        self._progress.update(fraction, message)


class _Part(Progress):
    def __init__(self, whole: Progress, start: float, end: float) -> None:
        super().__init__()
        self._whole, self._start, self._end = whole, start, end

    def check(self) -> None:
        self._whole.check()

    def update(self, fraction: float, message: str = "") -> None:
        share = max(0.0, min(1.0, float(fraction)))
        self._whole.update(self._start + share * (self._end - self._start), message)

    def skip(self, fraction: float) -> None:
        self._whole.skip(self._start + fraction * (self._end - self._start))

    def emit(self, event: Event) -> None:
        self._whole.emit(event)

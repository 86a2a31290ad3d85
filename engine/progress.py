"""How a verb tells what it is doing, and the place where a cancel takes effect."""

from __future__ import annotations

import time
from typing import Any, Callable

from .errors import Cancelled

Event = dict[str, Any]


class Progress:
    """Tells nothing by itself: for tests and library use; subclasses override `emit`."""

    def __init__(self, is_cancelled: Callable[[], bool] | None = None) -> None:
        """Starts the clock.

        Args:
            is_cancelled: Asked at every update; true ends the work with `Cancelled`.
        """
        self._is_cancelled = is_cancelled
        self._started = time.monotonic()
        self._fraction = self._skipped = 0.0

    def emit(self, event: Event) -> None:
        """Takes one event; the base class drops it."""

    def check(self) -> None:
        """Raises `Cancelled` when the user has cancelled."""
        if self._is_cancelled is not None and self._is_cancelled():
            raise Cancelled()

    def update(self, fraction: float, message: str = "") -> None:
        """Tells how far the work is; never goes backwards.

        Args:
            fraction: Share done, 0..1.
            message: What is being done, for a person.

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
        """Tells what needs no work, as an earlier run has done it: it says nothing about the time that is left."""
        self._skipped = max(0.0, min(1.0, float(fraction)))

    def log(self, message: str) -> None:
        """Adds a line to the log that the user can read."""
        self.emit({"event": "log", "message": message})

    def warning(self, message: str) -> None:
        """Tells something the user should know, though the work goes on."""
        self.emit({"event": "warning", "message": message})

    def metric(self, name: str, step: int, value: float) -> None:
        """Tells one point of a curve."""
        self.emit({"event": "metric", "name": name, "step": int(step), "value": float(value)})

    def state(self, **facts: Any) -> None:
        """Tells what holds from now on, for who shows the run; a fact replaces an earlier one of its name.

        Args:
            facts: JSON-able. `keeps` (true) is for the client as well: what there is by now is worth
                keeping, so that a cancel ends in a result.
        """
        self.emit({"event": "state", **facts})

    def part(self, start: float, end: float) -> Progress:
        """A progress whose 0..1 is this one's `start`..`end`."""
        return _Part(self, start, end)


class Unstoppable(Progress):
    """Passes events on, and hears of no cancel: for the end of work that would be lost by one."""

    def __init__(self, progress: Progress) -> None:
        """Passes on to `progress`."""
        super().__init__()
        self._progress = progress

    def emit(self, event: Event) -> None:
        """Passes on."""
        self._progress.emit(event)


class Quiet(Progress):
    """Passes on how far the work is and hears of a cancel, but tells no figures: for work that is done once more."""

    def __init__(self, progress: Progress) -> None:
        """Passes on to `progress`."""
        super().__init__()
        self._progress = progress

    def check(self) -> None:
        """Raises when the user has cancelled."""
        self._progress.check()

    def update(self, fraction: float, message: str = "") -> None:
        """Passes on."""
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

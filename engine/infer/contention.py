"""Estimates how much of the machine other programs leave to this process, without running a test of its own.

Linux records how long the main thread had to wait for a processor while it prepared the run. On other systems the
machine counts as free.
"""

from __future__ import annotations

import math
import os
import threading
from dataclasses import dataclass
from pathlib import Path

import psutil

# Of the main thread: nanoseconds running, and nanoseconds waiting for a processor.
_SCHEDULED = Path("/proc/self/schedstat")
_LEAST_NS = 1e8  # shorter running times tell little
_IDLE = 0.1  # of a processor: system tasks always leave about this much idle
_FREE = 0.9  # shares above this count as a free machine


@dataclass(frozen=True)
class Contention:
    """What share of a processor one thread of this process got beside other programs.

    Attributes:
        processors: Processors of the machine.
        one: Share of the time in which it was ready to run that it did run, 0..1.
        busy: Busy processors, its own included.
    """

    processors: int
    one: float = 1.0
    busy: float = 1.0

    @classmethod
    def now(cls) -> Contention:
        """Measured since the start of the process. Call it once, before the process starts threads of its own."""
        count = os.cpu_count() or 1
        if threading.current_thread() is not threading.main_thread():
            return cls(count)
        try:
            worked, waited = (float(text) for text in _SCHEDULED.read_text("ascii").split()[:2])
        except (OSError, ValueError):
            return cls(count)
        if worked < _LEAST_NS:
            return cls(count)
        # psutil counts from its import on.
        return cls(count, worked / (worked + waited), psutil.cpu_percent() / 100 * count)

    def share(self, threads: int) -> float:
        """Share of the processor time that threads get beside other programs, of what they would get alone.

        Systems divide processors among threads, or among groups of them such as the programs of one session or one
        service; the result lies between the two, at their geometric mean.

        Args:
            threads: Threads of this process that are busy at once.

        Returns:
            Over 0, up to 1.
        """
        others = max(0.0, self.busy - self.one)  # processors that other programs use
        if self.busy > self.processors - _IDLE:
            others = max(others, self.processors / self.one - 1)  # threads, some of which wait
        alone = min(threads, self.processors)
        among_threads = self.processors * threads / max(self.processors, others + threads)
        among_groups = min(alone, max(self.one, self.processors - others))
        return math.sqrt(min(alone, among_threads) * among_groups) / alone

    def alone(self, took: float, worked: float, threads: int) -> float:
        """Seconds that a part of a run would have taken without other programs.

        On a busy machine the elapsed time says more about the other programs, while the processor time of the
        part's own threads hardly changes: so the estimate is processor time over threads.

        Args:
            took: Elapsed seconds.
            worked: CPU seconds of all its threads together.
            threads: Threads that are busy at once.
        """
        if self.share(threads) > _FREE:
            return took
        return min(took, worked / min(threads, self.processors))

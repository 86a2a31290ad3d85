"""How much of the machine other programs leave to this process, told without any measuring of its own.

It shows in how long the main thread had to wait for a processor while it was preparing the run, which Linux notes.
Elsewhere the machine counts as free.
"""

from __future__ import annotations

import math
import os
import threading
from dataclasses import dataclass
from pathlib import Path

import psutil

_SCHEDULED = Path(
    "/proc/self/schedstat"
)  # of the main thread: ns at work, ns in wait for a processor
_LEAST_NS = 1e8  # a shorter time at work tells little
_IDLE = 0.1  # of a processor: so much is always left over
_FREE = 0.9  # a share from which on the machine counts as free


@dataclass(frozen=True)
class Contention:
    """What one thread of this process got beside the other programs.

    Attributes:
        processors: Processors of the machine.
        one: Share of the time in which it was ready to run that it did run, 0..1.
        busy: Processors at work, with its own.
    """

    processors: int
    one: float = 1.0
    busy: float = 1.0

    @classmethod
    def now(cls) -> Contention:
        """Since the process was started; to be asked once, before threads of its own wait for each other."""
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
        """Of the processor time that threads would get alone, what they get beside the other programs.

        Systems divide processors among threads, or among groups of them such as the programs of one session or one
        service; the result lies between the two, at their geometric mean.

        Args:
            threads: Threads of this process that are busy at once.

        Returns:
            Over 0, up to 1.
        """
        others = max(0.0, self.busy - self.one)  # processors that they have
        if self.busy > self.processors - _IDLE:
            others = max(others, self.processors / self.one - 1)  # threads, some of which wait
        alone = min(threads, self.processors)
        among_threads = self.processors * threads / max(self.processors, others + threads)
        among_groups = min(alone, max(self.one, self.processors - others))
        return math.sqrt(min(alone, among_threads) * among_groups) / alone

    def alone(self, took: float, worked: float, threads: int) -> float:
        """Seconds that a part of a run would have taken without the other programs.

        Beside them the seconds that it took tell more of them than of it, and how long its threads worked
        does not: that is taken, as if they had waited for nothing but a processor.

        Args:
            took: Seconds that it took.
            worked: Processor seconds of it, of all threads together.
            threads: Busy at once.
        """
        if self.share(threads) > _FREE:
            return took
        return min(took, worked / min(threads, self.processors))

"""The engine run as users run it, in a process of its own, and what the system measured of it."""

from __future__ import annotations

import json
import os
import subprocess  # nosec B404
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import EngineError
from ...infer.memory_use import peak_of

ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class EngineRun:
    """One job.

    Attributes:
        result: The protocol's result.
        seconds: From the start of the process to its end.
        first_window: Seconds from the start of the process to the first window of the map.
        processor_seconds: Processor time of all its threads together; other work on the machine changes it little. NaN
            where the system does not tell.
        peak_mb: Largest resident memory, 10^6 bytes; NaN where the system does not tell.
    """

    result: dict[str, Any]
    seconds: float
    first_window: float
    processor_seconds: float
    peak_mb: float


def run_engine(verb: str, *options: str) -> EngineRun:
    """Runs a job by the command line.

    Args:
        verb: Such as "segment".
        options: As on the command line.

    Raises:
        EngineError: The job failed; with its own message.
    """
    command = [sys.executable, "-m", "engine", verb, "--json", *options]
    started, first, last = time.perf_counter(), float("nan"), "{}"
    peak: int | None = None
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:  # nosec B603
        for line in process.stdout or ():
            last, peak = line, peak_of(process.pid) or peak
            if first != first and '"progress"' in line and "Windows:" in line:
                first = time.perf_counter() - started
        processor, peak_mb = float("nan"), float("nan")
        if hasattr(os, "wait4"):
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            processor = usage.ru_utime + usage.ru_stime
            peak_mb = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6
    # What Linux says of a child in the end counts what its parent held when it was started.
    if peak is not None:
        peak_mb = peak / 1e6
    event = json.loads(last)
    if event.get("event") != "result":
        raise EngineError(f"The run failed: {event.get('message', last)}", json.dumps(event))
    return EngineRun(event, time.perf_counter() - started, first, processor, peak_mb)

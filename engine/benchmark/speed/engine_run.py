"""Runs the engine as users do, in a process of its own, and measures time and memory."""

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
    """One run of a job.

    Attributes:
        result: The protocol's result.
        seconds: Seconds from the start of the process to its end.
        first_window: Seconds from the start of the process to the first window of the map.
        processor_seconds: Processor time of all threads together, which depends little on other work on the machine;
            NaN if the system does not report it.
        peak_mb: Peak resident memory, 10^6 bytes; NaN if the system does not report it.
    """

    result: dict[str, Any]
    seconds: float
    first_window: float
    processor_seconds: float
    peak_mb: float


def run_engine(verb: str, *options: str) -> EngineRun:
    """Runs a job with the command line.

    Args:
        verb: The verb, such as "segment".
        options: Options as on the command line.

    Raises:
        EngineError: The job failed; the error has its message.
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
    # At the end, Linux reports a child's peak including its parent's memory at the fork, so prefer the sampled peak.
    if peak is not None:
        peak_mb = peak / 1e6
    event = json.loads(last)
    if event.get("event") != "result":
        raise EngineError(f"The run failed: {event.get('message', last)}", json.dumps(event))
    return EngineRun(event, time.perf_counter() - started, first, processor, peak_mb)

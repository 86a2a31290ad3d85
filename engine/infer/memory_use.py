"""How much memory this process takes, and how much the machine has left."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import psutil

_PROCESSES = Path("/proc")
_PEAK = re.compile(r"VmHWM:\s+(\d+) kB")


def resident_bytes() -> int:
    """Memory that this process takes now."""
    return int(psutil.Process().memory_info().rss)


def peak_bytes() -> int:
    """Peak memory so far; where the system does not report it, the current memory."""
    if _PROCESSES.exists():
        return peak_of("self") or resident_bytes()
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    import resource

    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)  # bytes on macOS


def peak_of(process: int | str) -> int | None:
    """Peak memory of a running process so far, by its id; None where the system does not report it."""
    try:
        status = (_PROCESSES / str(process) / "status").read_text("ascii", errors="replace")
    except OSError:
        return None
    found = _PEAK.search(status)
    return int(found[1]) * 1024 if found else None


def free_bytes() -> int:
    """Memory that programs can still get without swapping."""
    return int(psutil.virtual_memory().available)

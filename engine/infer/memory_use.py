"""How much memory this process takes, and how much the machine has left."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import psutil

_STATUS = Path("/proc/self/status")
_PEAK = re.compile(r"VmHWM:\s+(\d+) kB")


def resident_bytes() -> int:
    """Memory that this process takes now."""
    return int(psutil.Process().memory_info().rss)


def peak_bytes() -> int:
    """The most that it has taken so far; on systems that do not tell, what it takes now."""
    if _STATUS.exists():
        found = _PEAK.search(_STATUS.read_text(encoding="ascii", errors="replace"))
        return int(found[1]) * 1024 if found else resident_bytes()
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    import resource

    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)  # bytes on macOS


def free_bytes() -> int:
    """Memory that programs can still get without swapping."""
    return int(psutil.virtual_memory().available)

"""The memory limit of this process, from the variable SPECTRALGPT_MEMORY in MB; none by default.

The operating system enforces the limit: an allocation beyond it fails, and the job ends with a message instead of
pushing QGIS and everything else into the swap file. It is about the machine's memory; that of a GPU is not counted.
"""

from __future__ import annotations

import os
import sys
from typing import Any

VARIABLE = "SPECTRALGPT_MEMORY"
_MB = 2**20
# rasterio takes an integer as bytes: 64 would be 64 bytes and every read many times slower.
_CACHE = 256 * _MB
_CACHE_SHARE = 8  # an eighth of a limit
_SHORTAGE = (
    "can't start new thread",
    "Cannot allocate memory",
    "Resource temporarily unavailable",  # a thread, too
    # What the system's loader says of a library that does not fit.
    "cannot map zero-fill pages",
    "failed to map segment",
)


def memory_limit() -> int:
    """The limit in bytes, 0 for none."""
    text = os.environ.get(VARIABLE, "")
    return int(text) * _MB if text.isdigit() else 0


def raster_cache() -> int:
    """Bytes that GDAL may keep of what it has read: less under a limit."""
    limit = memory_limit()
    return min(_CACHE, limit // _CACHE_SHARE) if limit else _CACHE


def keep_limit() -> bool:
    """Has the system hold this process and those that it starts to the limit.

    Returns:
        Whether it does; False where there is no limit, or no way to keep one (macOS).
    """
    limit = memory_limit()
    if not limit:
        return False
    if sys.platform == "win32":
        return _keep_on_windows(limit)
    if sys.platform.startswith("linux"):
        return _keep_on_linux(limit)
    return False


def is_shortage(error: Exception) -> bool:
    """Whether an error tells of too little memory: threads and libraries need some too, and say so in other words."""
    if isinstance(error, MemoryError):
        return True
    return memory_limit() > 0 and any(words in str(error) for words in _SHORTAGE)


def limit_in_words() -> str:
    """What to add to a message about too little memory; empty without a limit."""
    limit = memory_limit()
    if not limit:
        return ""
    return (
        f" The engine may take {limit // _MB} MB, as the memory limit says: raise it in QGIS under Settings > Options "
        "> SpectralGPT, or set it to no limit."
    )


def _keep_on_linux(limit: int) -> bool:
    import resource

    # Writable memory of its own, used or promised; mapped files such as libraries do not count.
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    soft = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
    return True


def _keep_on_windows(limit: int) -> bool:
    """A job object with one rule: so much committed memory for each of its processes."""
    import ctypes

    class Basic(ctypes.Structure):
        _fields_ = (
            ("PerProcessUserTimeLimit", ctypes.c_int64),
            ("PerJobUserTimeLimit", ctypes.c_int64),
            ("LimitFlags", ctypes.c_uint32),
            ("MinimumWorkingSetSize", ctypes.c_size_t),
            ("MaximumWorkingSetSize", ctypes.c_size_t),
            ("ActiveProcessLimit", ctypes.c_uint32),
            ("Affinity", ctypes.c_size_t),
            ("PriorityClass", ctypes.c_uint32),
            ("SchedulingClass", ctypes.c_uint32),
        )

    class Extended(ctypes.Structure):
        _fields_ = (
            ("BasicLimitInformation", Basic),
            ("IoInfo", ctypes.c_uint64 * 6),
            ("ProcessMemoryLimit", ctypes.c_size_t),
            ("JobMemoryLimit", ctypes.c_size_t),
            ("PeakProcessMemoryUsed", ctypes.c_size_t),
            ("PeakJobMemoryUsed", ctypes.c_size_t),
        )

    process_memory, extended_information = 0x100, 9
    kernel: Any = ctypes.WinDLL("kernel32", use_last_error=True)  # type: ignore[attr-defined]
    kernel.CreateJobObjectW.restype = ctypes.c_void_p
    kernel.GetCurrentProcess.restype = ctypes.c_void_p
    job = ctypes.c_void_p(kernel.CreateJobObjectW(None, None))
    rules = Extended()
    rules.BasicLimitInformation.LimitFlags = process_memory
    rules.ProcessMemoryLimit = limit
    size = ctypes.sizeof(rules)
    return bool(
        kernel.SetInformationJobObject(job, extended_information, ctypes.byref(rules), size)
        and kernel.AssignProcessToJobObject(job, ctypes.c_void_p(kernel.GetCurrentProcess()))
    )

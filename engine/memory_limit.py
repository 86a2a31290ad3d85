"""The memory limit of this process, from the variable SPECTRALGPT_MEMORY in MB; none by default.

The operating system enforces the limit: an allocation beyond it fails, and the job ends with a message instead of
forcing QGIS and other programs into swap. It limits the machine's memory only, not a GPU's.
"""

from __future__ import annotations

import os
import sys
from typing import Any

VARIABLE = "SPECTRALGPT_MEMORY"
_MB = 2**20
# In bytes, as rasterio takes an integer as bytes; a cache of 64 bytes would make reads many times slower.
_CACHE = 256 * _MB
_CACHE_SHARE = 8  # the cache takes an eighth of a limit
# For rasters with large blocks; a scene of 10980 px must stay under 1.5 GB in all.
_LARGE_CACHE = 768 * _MB
_LARGE_SHARE = 4
_BESIDE = 64 * _MB  # for mask bands, and for what is written meanwhile
_SHORTAGE = (
    "can't start new thread",
    "Cannot allocate memory",
    "Resource temporarily unavailable",  # also for a thread
    # Messages of the dynamic loader about a library that does not fit into memory.
    "cannot map zero-fill pages",
    "failed to map segment",
)


def memory_limit() -> int:
    """The limit in bytes, 0 for none."""
    text = os.environ.get(VARIABLE, "")
    return int(text) * _MB if text.isdigit() else 0


def raster_cache(row: int = 0) -> int:
    """Size of GDAL's block cache, bytes; smaller under a limit.

    Rasters are read along rows of windows. A cache that holds the blocks across a raster lets every block be decoded
    only once, if there is room for two such rows, as windows lie across their border. One that holds less than one row
    has lost every block when the next row of windows needs it, however large it is.

    Args:
        row: Bytes of the blocks across all rasters that are read in turn; 0 if they are not read along rows.
    """
    limit = memory_limit()
    usual = min(_CACHE, limit // _CACHE_SHARE) if limit else _CACHE
    large = min(_LARGE_CACHE, limit // _LARGE_SHARE) if limit else _LARGE_CACHE
    if row + _BESIDE > large:
        return usual
    return min(large, max(usual, 2 * row + _BESIDE))


def keep_limit() -> bool:
    """Makes the system enforce the limit on this process and its children.

    Returns:
        Whether it does; False if there is no limit, or no way to enforce one (macOS).
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
    """Whether an error means a shortage of memory; threads and libraries report it in words of their own."""
    if isinstance(error, MemoryError):
        return True
    return memory_limit() > 0 and any(words in str(error) for words in _SHORTAGE)


def limit_in_words() -> str:
    """A sentence to append to a message about a shortage of memory; empty without a limit."""
    limit = memory_limit()
    if not limit:
        return ""
    return (
        f" The memory limit allows the engine {limit // _MB} MB. Increase or remove the limit in QGIS under Settings "
        "> Options > SpectralGPT."
    )


def _keep_on_linux(limit: int) -> bool:
    import resource

    # Limits private writable memory, used or reserved; mapped files such as libraries do not count.
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    soft = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
    return True


def _keep_on_windows(limit: int) -> bool:
    """Assigns the process to a job object that limits the committed memory of each process."""
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

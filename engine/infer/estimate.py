"""What a run will take, told before it begins."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import DiskFull
from ..memory_limit import memory_limit
from ..progress import Progress
from .memory_use import free_bytes, resident_bytes
from .staging import SCRATCH_PREFIX

_UNITS = ((1e9, "GB", 1), (1e6, "MB", 0))


@dataclass(frozen=True)
class Estimate:
    """What a run will take.

    Attributes:
        windows: Windows that the model will see.
        seconds: From the start of the job to its result; None where other machines compute.
        memory: Peak of the process, bytes.
        disk: Peak of the outputs and of what is kept beside them while it runs, bytes.
        scratch: The part of `disk` that does not depend on what the map will show, bytes.
    """

    windows: int
    seconds: float | None
    memory: int
    disk: int
    scratch: int = 0

    def to_result(self) -> dict[str, Any]:
        """The protocol's result of a job that was only to be estimated."""
        return {"outputs": {}, "estimate": self.to_dict()}

    def to_dict(self) -> dict[str, Any]:
        """As the protocol reports it."""
        return {
            "windows": self.windows,
            "seconds": None if self.seconds is None else round(self.seconds, 1),
            "memory_mb": round(self.memory / 1e6),
            "disk_mb": round(self.disk / 1e6, 3),
        }


def tell(estimate: Estimate, folder: Path, progress: Progress) -> None:
    """Tells an estimate, and warns where the machine has less.

    Args:
        estimate: What the run will take.
        folder: Where it writes; of a hidden one the folder around it is named.
        progress: Where it is told.

    Raises:
        DiskFull: The disk surely has no room.
    """
    free = shutil.disk_usage(folder).free
    if folder.name.startswith(SCRATCH_PREFIX):
        folder = folder.parent
    time = "" if estimate.seconds is None else f"{in_minutes(estimate.seconds)}, "
    progress.log(
        f"Estimate: {estimate.windows} windows, {time}{in_bytes(estimate.memory)} of memory, "
        f"{in_bytes(estimate.disk)} on the disk ({in_bytes(free)} free)"
    )
    if estimate.scratch > free:
        raise DiskFull(
            f"The folder '{folder}' has {in_bytes(free)} of free space and the run needs {in_bytes(estimate.scratch)} "
            "while it works. Make room, choose another folder, or limit the extent."
        )
    if estimate.disk > free:
        progress.warning(
            f"The folder '{folder}' has {in_bytes(free)} of free space and the run may need {in_bytes(estimate.disk)}: "
            "it may fail. Make room, or choose another folder."
        )
    # What this process has already is not free any more, and a part of what it needs.
    available = min(memory_limit() or estimate.memory, free_bytes() + resident_bytes())
    if estimate.memory > available:
        progress.warning(
            f"{in_bytes(available)} of memory are free and the run may need {in_bytes(estimate.memory)}: it may be "
            "slow or fail. Close other programs, or choose fewer threads."
        )


def in_bytes(count: float) -> str:
    """A size for people: "1.2 GB", "340 MB"."""
    for size, unit, digits in _UNITS:
        if count >= size:
            return f"{count / size:.{digits}f} {unit}"
    return f"{count / 1e6:.1f} MB"


def in_minutes(seconds: float) -> str:
    """A time for people: "45 s", "3 min", "2 h 10 min"."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"

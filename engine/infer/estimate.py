"""The estimate of what a run will take, reported before it begins."""

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
        outputs: Folders of outputs and the part of `disk` written to each; the rest goes to the main output's folder.
    """

    windows: int
    seconds: float | None
    memory: int
    disk: int
    scratch: int = 0
    outputs: tuple[tuple[Path, int], ...] = ()

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
    """Logs an estimate, and warns where the machine has less to offer.

    Args:
        estimate: What the run will take.
        folder: Where it writes; messages name the parent of a hidden folder.
        progress: Where it is told.

    Raises:
        DiskFull: The disk certainly has no room.
    """
    time = "" if estimate.seconds is None else f"{in_minutes(estimate.seconds)}, "
    main, *others = disks = _disks(estimate, folder)
    progress.log(
        f"Estimate: {estimate.windows} windows, {time}{in_bytes(estimate.memory)} of memory, {in_bytes(main.needed)} "
        f"of disk space ({in_bytes(main.free)} free)"
    )
    for disk in others:
        progress.log(
            f"Estimate: {in_bytes(disk.needed)} of disk space in '{disk.folder}' ({in_bytes(disk.free)} free)"
        )
    for disk in disks:
        _check(disk, progress)
    # What this process already holds is part of what it needs.
    available = min(memory_limit() or estimate.memory, free_bytes() + resident_bytes())
    if estimate.memory > available:
        progress.warning(
            f"{in_bytes(available)} of memory is free, but the run may need {in_bytes(estimate.memory)}: it may be "
            "slow or fail. Close other programs, or use fewer threads."
        )


@dataclass
class _Disk:
    """What a run writes to one disk: a folder on it, its free bytes, bytes at most, bytes for certain."""

    folder: Path
    free: int
    needed: int
    surely: int = 0


def _disks(estimate: Estimate, folder: Path) -> list[_Disk]:
    """The disks that a run writes to, that of the main output first."""
    disks: dict[int, _Disk] = {}
    rest = estimate.disk - sum(count for _, count in estimate.outputs)
    for place, count in ((folder, rest), *estimate.outputs):
        device = place.stat().st_dev
        if device in disks:
            disks[device].needed += count
        else:
            named = place.parent if place.name.startswith(SCRATCH_PREFIX) else place
            disks[device] = _Disk(named, shutil.disk_usage(place).free, count)
    disks[folder.stat().st_dev].surely = estimate.scratch
    return list(disks.values())


def _check(disk: _Disk, progress: Progress) -> None:
    """Warns of a disk that may be too small; raises `DiskFull` for one that is."""
    if disk.surely > disk.free:
        raise DiskFull(
            f"The folder '{disk.folder}' has {in_bytes(disk.free)} of free space, but the run needs "
            f"{in_bytes(disk.surely)} while it works. Free some space, choose another folder, or limit the extent."
        )
    if disk.needed > disk.free:
        progress.warning(
            f"The folder '{disk.folder}' has {in_bytes(disk.free)} of free space, but the run may need "
            f"{in_bytes(disk.needed)} and could fail. Free some space, or choose another folder."
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

"""How much an installation of the engine downloads and takes on the disk, before it is started. No Qt.

The sizes are recorded by scripts/download_sizes.py from the pinned requirements, one for each system and choice.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

from . import paths

SIZES = paths.REQUIREMENTS / "sizes.json"
# What the disk needs on top of wheels and files: a virtual environment, compiled Python, rounding to blocks.
_MARGIN = 1.15
# Where nothing was recorded (an uncommon system): more than any recorded one of that kind needs, bytes.
_UNKNOWN = {"inference": 900e6, "training": 3e9, "cuda": 12e9}


class InstallSize(NamedTuple):
    """What one choice costs.

    Attributes:
        download: Bytes to fetch; None when that was not recorded for this system.
        disk: Bytes that have to be free: the downloads, which lie there for a while, and what they unpack to.
        recorded: Day of the record, ISO; empty when there is none.
    """

    download: int | None
    disk: int
    recorded: str


def system_key(system: str = "", machine: str = "") -> str:
    """Return how the record names a system, such as ``linux-x86_64``; by default this one."""
    machine = (machine or platform.machine()).lower()
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(machine, machine)
    return f"{system or sys.platform}-{machine}"


def install_size(
    tier: str, accelerator: str, *, system: str = "", sizes: Path = SIZES
) -> InstallSize:
    """Return what an installation costs.

    Args:
        tier: ``"inference"`` or ``"training"``.
        accelerator: ``"cpu"`` or ``"cuda"``.
        system: As :func:`system_key` names it; empty for this one.
        sizes: The record.
    """
    try:
        record = json.loads(sizes.read_text(encoding="utf-8"))
        found = record["systems"][system or system_key()][f"{tier}-{accelerator}"]
        download, unpacked = int(found["download"]), int(found["unpacked"])
        return InstallSize(download, int(download + _MARGIN * unpacked), str(record["date"]))
    except (OSError, ValueError, LookupError, TypeError):
        needed = _UNKNOWN["cuda" if accelerator == "cuda" else tier]
        return InstallSize(None, int(needed), "")


def free_space(folder: Path) -> int:
    """Return the bytes that are free where a folder is, or will be made.

    Raises:
        OSError: The disk does not answer.
    """
    folder = folder.absolute()
    while not os.path.lexists(folder) and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free

"""Tells in advance how much an installation of the engine downloads, and its size on the disk. No Qt.

scripts/download_sizes.py records the sizes of the pinned requirements for each system, tier and accelerator.
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
# Factor for what the disk needs besides wheels and files: the virtual environment, compiled Python, whole blocks.
_MARGIN = 1.15
# Bytes for uncommon systems without a record: more than any recorded system needs.
_UNKNOWN = {"inference": 900e6, "training": 3e9, "cuda": 12e9}


class InstallSize(NamedTuple):
    """The size of an installation.

    Attributes:
        download: Bytes to download; None if not recorded for this system.
        disk: Bytes that must be free: for the downloads, which are kept while installing, and the unpacked files.
        recorded: Date of the record, ISO; empty if there is none.
    """

    download: int | None
    disk: int
    recorded: str


def system_key(system: str = "", machine: str = "") -> str:
    """Return the name of a system in the record, such as ``linux-x86_64``; by default of this system."""
    machine = (machine or platform.machine()).lower()
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(machine, machine)
    return f"{system or sys.platform}-{machine}"


def install_size(
    tier: str, accelerator: str, *, system: str = "", sizes: Path = SIZES
) -> InstallSize:
    """Return the size of an installation.

    Args:
        tier: ``"inference"`` or ``"training"``.
        accelerator: ``"cpu"`` or ``"cuda"``.
        system: Name from :func:`system_key`; empty for this system.
        sizes: File with the record.
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
    """Return the free bytes on the disk of a folder, which need not exist yet.

    Raises:
        OSError: The disk cannot be read.
    """
    folder = folder.absolute()
    while not os.path.lexists(folder) and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free

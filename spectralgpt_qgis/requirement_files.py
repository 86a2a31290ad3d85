"""Reads the pinned requirements of a tier and an accelerator from the files in engine/requirements."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

TIERS = ("inference", "training")
ACCELERATORS = ("cpu", "cuda")

_TORCH_INDEX = "https://download.pytorch.org/whl/"
_CUDA = "cu130"


class Requirements(NamedTuple):
    """The pinned packages; PyTorch is apart because its builds are on different indexes.

    Attributes:
        packages: Lines of a requirement file.
        torch: Lines for PyTorch; empty if it is not required.
        torch_index: Index with the build of PyTorch, if PyPI does not have it.
        fingerprint: Hash of all of these.
    """

    packages: tuple[str, ...]
    torch: tuple[str, ...]
    torch_index: str
    fingerprint: str


def read_requirements(
    folder: Path,
    tier: str,
    accelerator: str = "cpu",
    extra: Sequence[Path] = (),
    system: str = "",
) -> Requirements:
    """Return the requirements of a tier on a system.

    PyPI has the small CPU build of PyTorch for Windows and macOS, but for Linux a build with
    gigabytes of CUDA libraries, so on Linux the CPU build is required by name.

    Args:
        folder: The folder with ``inference.txt`` and ``training.txt``.
        tier: One of TIERS.
        accelerator: ``"cpu"``, or ``"cuda"`` for NVIDIA cards (several gigabytes).
        extra: Further requirement files, such as the developers' ``tests.txt``.
        system: A value of ``sys.platform``; empty for this system.
    """
    system = system or sys.platform
    lines = [line for file in (folder / f"{tier}.txt", *extra) for line in _read(file)]
    lines = list(dict.fromkeys(lines))
    torch = [line for line in lines if line.startswith("torch==")]
    packages = [line for line in lines if line not in torch]
    index = ""
    if accelerator == "cuda":
        packages = [
            line.replace("onnxruntime==", "onnxruntime-gpu[cuda,cudnn]==") for line in packages
        ]
        index = "" if system == "linux" else _TORCH_INDEX + _CUDA
        if index:
            torch = [_local_version(line, _CUDA) for line in torch]
    elif system == "linux":
        torch = [_local_version(line, "cpu") for line in torch]
        index = _TORCH_INDEX + "cpu"
    text = "\n".join([*packages, *torch])
    fingerprint = hashlib.sha256(text.encode()).hexdigest()[:16]
    return Requirements(tuple(packages), tuple(torch), index if torch else "", fingerprint)


def _read(file: Path) -> list[str]:
    """Return the lines of a requirement file and of the files that it includes, without comments."""
    lines: list[str] = []
    for raw in file.read_text(encoding="utf-8").splitlines():
        line = raw.split(" #")[0].strip()
        if line.startswith("-r "):
            lines += _read(file.parent / line[3:].strip())
        elif line and not line.startswith("#"):
            lines.append(line)
    return lines


def _local_version(line: str, build: str) -> str:
    version, _, marker = line.partition(";")
    return f"{version.strip()}+{build};{marker}" if marker else f"{version.strip()}+{build}"

"""Finds the Python that the engine's environment is built from.

Inside QGIS, ``sys.executable`` is often QGIS itself, so the interpreter of the running Python is
searched for beside its library first, and then on the PATH.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from . import child_process
from .install_problems import EnvironmentProblem, explain_output

OLDEST, NEWEST = (3, 9), (3, 14)

_PROBE = (
    "import sys, struct, venv, ensurepip, platform; "
    "print(*sys.version_info[:2], struct.calcsize('P') * 8, platform.machine())"
)


@dataclass(frozen=True)
class BasePython:
    """A Python interpreter that can make virtual environments."""

    path: Path
    version: tuple[int, int]
    machine: str

    def __str__(self) -> str:
        """Return the version and platform in words."""
        return f"Python {self.version[0]}.{self.version[1]} on {sys.platform} {self.machine}"


def find_base_python() -> BasePython:
    """Return the first suitable interpreter.

    Raises:
        EnvironmentProblem: If there is none; its details say why each interpreter was rejected.
    """
    faults: list[str] = []
    outputs: list[str] = []
    for candidate in candidates():
        code, output = child_process.output([candidate, "-c", _PROBE], timeout=30)
        words = output.split()
        if code or len(words) < 4:
            faults.append(f"{candidate}: does not run or lacks venv")
            outputs.append(output)
            continue
        version = (int(words[-4]), int(words[-3]))
        if not OLDEST <= version <= NEWEST:
            faults.append(f"{candidate}: Python {version[0]}.{version[1]}")
        elif words[-2] != "64":
            faults.append(f"{candidate}: 32-bit")
        else:
            return BasePython(_lasting(candidate), version, words[-1])
    problem = explain_output("\n".join(outputs), python="", offline=False)
    if problem.kind == "no-venv":
        raise EnvironmentProblem(problem.kind, problem.message, "\n".join(faults + outputs))
    raise EnvironmentProblem(
        "no-python",
        "No suitable Python was found: the engine needs 64-bit Python 3.9 to 3.14 with the module venv. Install it "
        "(from python.org, or with 'sudo apt install python3-venv'), then try again.",
        "\n".join(faults + outputs),
    )


def candidates() -> list[Path]:
    """Return the existing interpreters in the order in which they are tried."""
    seen: dict[str, Path] = {}
    for place in _places():
        if place.is_file():
            seen.setdefault(os.path.realpath(place), place)
    return list(seen.values())


def _places() -> Iterator[Path]:
    """Yield where interpreters may be: this process's own, the one that QGIS brings, those of the system."""
    for text in (sys.executable, getattr(sys, "_base_executable", "")):
        if text and Path(text).name.lower().startswith("python"):
            yield Path(text)
    major, minor = sys.version_info[:2]
    names = [f"python{major}.{minor}", "python3", "python"]
    folders = [Path(prefix) for prefix in (sys.base_prefix, sys.base_exec_prefix)]
    if sys.executable:  # QGIS.app has Python in Contents/MacOS/bin or beside its own executable
        folders.append(Path(sys.executable).parent)
    if os.environ.get("OSGEO4W_ROOT"):
        folders += sorted(Path(os.environ["OSGEO4W_ROOT"], "apps").glob("Python3*"), reverse=True)
    ending = ".exe" if os.name == "nt" else ""
    for folder in folders:
        yield from (folder / part / (name + ending) for part in ("", "bin") for name in names)
    for name in [*names, *(f"python3.{number}" for number in (12, 13, 11, 10, 14, 9))]:
        found = shutil.which(name)
        if found:
            yield Path(found)


def _lasting(interpreter: Path) -> Path:
    """Return the target of a symbolic link, which does not change when Python is upgraded."""
    return interpreter if os.name == "nt" else Path(os.path.realpath(interpreter))

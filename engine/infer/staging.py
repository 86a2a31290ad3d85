"""Stages outputs so that they appear whole or not at all: written to a hidden folder, moved in place at the end."""

from __future__ import annotations

import errno
import hashlib
import os
import platform
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType

import psutil

from ..endings import ending
from ..errors import DiskFull, InvalidParameter, OutputNotWritable

SCRATCH_PREFIX = ".spectralgpt-"
GEOTIFF, GEOPACKAGE, CSV = (".tif", ".tiff"), (".gpkg",), (".csv",)
VIRTUAL = (".vrt",)
CSV_ENCODING = "utf-8-sig"  # with the byte order mark by which spreadsheets recognise UTF-8
SIDECARS = (".aux.xml", ".ovr", ".msk", ".tiles")
_LONGEST = 220  # bytes of a name: file systems allow 255, and sidecars have longer names
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class StagedOutputs:
    """The output files of a job, as a context manager.

    Leaving it normally moves every file into place, replacing what was there; leaving it by an exception, which
    includes a cancel, removes the files. The hidden folders are named `.spectralgpt-PID-...`, so that whoever kills
    the process can remove them; otherwise the next job into the same folder does.
    """

    def __init__(self, inputs: Iterable[str] = ()) -> None:
        """Starts without outputs.

        Args:
            inputs: Paths that must not be overwritten; a "|" begins the name of a layer inside the file.
        """
        self._inputs = [Path(path.split("|")[0]) for path in inputs if path]
        self._folders: dict[Path, Path] = {}
        self._staged: dict[Path, Path] = {}
        self._cleanup = ExitStack()

    def __enter__(self) -> StagedOutputs:
        """Creates nothing before `stage`."""
        return self

    @property
    def folders(self) -> list[Path]:
        """The hidden folders."""
        return list(self._folders.values())

    def stage(self, output: str, suffixes: tuple[str, ...]) -> Path:
        """Checks that an output can be written, and returns the hidden path to write to.

        Args:
            output: Path of the finished file.
            suffixes: Allowed endings, lower case.

        Raises:
            InvalidParameter: Wrong ending, too long or impossible a name, the same file twice, or an input.
            OutputNotWritable: The folder is missing or not writable, or the path is a folder.
        """
        path = Path(os.path.abspath(output))
        if ending(path) not in suffixes:
            raise InvalidParameter(
                f"The name of the output '{output}' must end in {' or '.join(suffixes)}. Change it."
            )
        # GDAL would take what follows a semicolon for an option.
        if suffixes == GEOPACKAGE and ";" in path.name:
            raise InvalidParameter(
                f"The name of a GeoPackage cannot contain ';', but that of the output '{output}' does. Choose another "
                "name."
            )
        if len(os.fsencode(path.name)) > _LONGEST:
            raise InvalidParameter(
                f"The name of the output '{path.name[:40]}...' is too long for the file and those written next to it: "
                f"{len(os.fsencode(path.name))} bytes, but at most {_LONGEST} are allowed. Choose a shorter name."
            )
        if path in self._staged:
            raise InvalidParameter(
                f"Two outputs would be written to '{output}'. Give each of them a different name."
            )
        if any(_same_file(path, given) for given in self._inputs):
            raise InvalidParameter(
                f"The output '{output}' is also an input and would be overwritten. Choose another name."
            )
        if path.is_dir():
            raise OutputNotWritable(
                f"The output '{output}' is a folder. Specify the name of a file."
            )
        if not path.parent.is_dir():
            raise OutputNotWritable(
                f"The folder of the output '{output}' does not exist. Create '{path.parent}', or choose another one."
            )
        self._staged[path] = self.scratch(path.parent) / path.name
        return self._staged[path]

    def forget(self) -> None:
        """Drops the staged outputs: existing files stay as they are."""
        self._staged.clear()

    def scratch(self, folder: Path) -> Path:
        """A hidden folder inside `folder`, removed at the end of the job.

        Raises:
            OutputNotWritable: It cannot be made.
            DiskFull: The disk has no room for it.
        """
        if folder not in self._folders:
            remove_left_behind(folder)
            try:
                made = tempfile.mkdtemp(
                    prefix=f"{SCRATCH_PREFIX}{os.getpid()}-", suffix=f".{machine()}", dir=folder
                )
            except OSError as error:
                raise write_error(folder, error) from error
            self._cleanup.callback(shutil.rmtree, made, ignore_errors=True)
            self._folders[folder] = Path(made)
        return self._folders[folder]

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Moves the files into place, or removes them after an error."""
        with self._cleanup:
            if kind is None:
                for path, staged in self._staged.items():
                    _move(staged, path)


def write_error(path: Path, error: BaseException) -> DiskFull | OutputNotWritable:
    """The error that explains a failed write to the user.

    GDAL does not report why a write failed, so a small write is tried without GDAL.

    Args:
        path: The file or its folder.
        error: What was raised.
    """
    # The errno of GDAL's exceptions is not the system's.
    number = error.errno if isinstance(error, OSError) else None
    number = number or _try_writing(path)
    if number in _FULL:
        return DiskFull(
            f"The disk is full, or the file is too large for it: '{path.name}' could not be completed. Free some "
            "space, or write to another disk. Nothing of this output was kept.",
            details=repr(error),
        )
    shown = Path(*(part for part in path.parts if not part.startswith(SCRATCH_PREFIX)))
    return OutputNotWritable(
        f"'{shown}' cannot be written. Check that you have write access to this folder and that the file is not open "
        "in another program or as a layer in QGIS, or choose another location.",
        details=repr(error),
    )


def machine() -> str:
    """A digest of this machine and its process namespace (containers count process ids of their own)."""
    try:
        counted = os.readlink("/proc/self/ns/pid")
    except OSError:
        counted = ""
    return hashlib.sha256(f"{platform.node()} {counted}".encode()).hexdigest()[:8]


def remove_left_behind(folder: Path) -> None:
    """Removes what killed processes of this machine left behind: `.spectralgpt-PID-....MACHINE`."""
    with suppress(OSError):
        for path in folder.glob(f"{SCRATCH_PREFIX}*-*.{machine()}"):
            number = path.name[len(SCRATCH_PREFIX) :].split("-")[0]
            if number.isdecimal() and not psutil.pid_exists(int(number)):
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink()


def _try_writing(staged: Path) -> int | None:
    """Error number if a staged file cannot grow by a megabyte; None if it can."""
    if not staged.parent.name.startswith(SCRATCH_PREFIX):
        return None
    try:
        with staged.open("ab") as file:
            file.write(bytes(1 << 20))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return error.errno
    return None


def _same_file(path: Path, given: Path) -> bool:
    try:
        return path.exists() and given.exists() and path.samefile(given)
    except OSError:
        return False


def _move(staged: Path, path: Path) -> None:
    """Moves a finished file and its sidecars into place, and removes stale sidecars."""
    sidecars = {Path(f"{path}{suffix}"): Path(f"{staged}{suffix}") for suffix in SIDECARS}
    try:
        with _folders_aside([sidecar for sidecar in sidecars if sidecar.is_dir()], staged.parent):
            os.replace(staged, path)
        for sidecar, new in sidecars.items():
            if new.exists():
                os.replace(new, sidecar)
            else:
                sidecar.unlink(missing_ok=True)
    except OSError as error:
        raise write_error(path, error) from error


@contextmanager
def _folders_aside(folders: list[Path], hidden: Path) -> Iterator[None]:
    """Moves folders into a hidden one, and back if what follows fails.

    On Windows the move fails while a program has a tile of the older map open; that map then stays intact.
    """
    aside = {folder: hidden / f"{folder.name}.old" for folder in folders}
    moved: list[Path] = []
    try:
        for folder in folders:
            os.replace(folder, aside[folder])
            moved.append(folder)
        yield
    except OSError:
        for folder in moved:
            os.replace(aside[folder], folder)
        raise

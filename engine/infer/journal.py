"""The journal of a run: a file beside the output with what is finished, from which a killed run is resumed."""

from __future__ import annotations

import json
import os
import shutil
import struct
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from ..errors import ClientGone
from .file_lock import lock
from .staging import SCRATCH_PREFIX

KEPT_PREFIX = f"{SCRATCH_PREFIX}resume-"
OLDEST = 7 * 24 * 3600.0  # s after which a journal is considered abandoned

_RECORD = struct.Struct("<QI")  # length of a record in bytes, and its CRC-32
_HEADER = 1 << 14  # bytes, padded, as the header is rewritten in place when a run takes the file up


class Journal:
    """The file `.spectralgpt-resume-OUTPUT`; a context manager.

    It holds a JSON header (the job's key, and the hidden folders of its unfinished outputs), followed by records with a
    checksum each: after a power failure, those before the first damaged one are used. A run locks the file, so a
    second run into the same output works without a journal.

    The file is removed at every orderly end: result, error or cancel. It stays when the process is killed or its
    client disappears. The next run into the same output resumes from it or removes it; the next run into the same
    folder removes journals older than `OLDEST`.
    """

    def __init__(self, output: str, resume: bool) -> None:
        """Reads nothing yet.

        Args:
            output: The job's main output.
            resume: Whether to resume an earlier run, and to keep records for a later one.
        """
        path = Path(os.path.abspath(output))
        self._path = path.with_name(KEPT_PREFIX + path.name)
        self._resume = resume
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Journal:
        """Nothing is read before `take_up`."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Removes the file, unless the client is gone and may want to resume."""
        if kind is not None and issubclass(kind, ClientGone):
            self._close()
        else:
            self._remove()

    def take_up(self, key: str, scratch: Sequence[Path] = ()) -> None:
        """Opens the journal of an earlier run of the same job, or begins a new one.

        Args:
            key: Digest of the job; records of another job are removed. Empty: the job cannot be recognised, and
                nothing is kept.
            scratch: This run's hidden folders, for a later run to remove if this one is killed.
        """
        _remove_old(self._path.parent)
        # If another run holds it, or the file system has no locks, there is no journal.
        with suppress(OSError):
            self._file = _open_locked(self._path)
        if self._file is None:
            return
        header = _read_header(self._file)
        _remove_scratch(header)
        if not self._resume or not key:
            self._remove()
            return
        try:
            if header.get("key") != key:
                self._file.truncate(0)
            _write_header(self._file, key, scratch)
        except OSError:
            self._remove()

    def replay(self) -> Iterator[bytes]:
        """The records of the earlier run, in order; a read error ends them, and the journal with them."""
        while self._file is not None:
            try:
                record = _next_record(self._file)
            except OSError:
                self._remove()
                return
            if not record:
                return
            yield record

    def append(self, record: bytes) -> None:
        """Appends a record; a full disk ends the journal, not the run."""
        if self._file is None:
            return
        try:
            self._file.write(_RECORD.pack(len(record), zlib.crc32(record)) + record)
            self._file.flush()
        except OSError:
            self._remove()

    def _remove(self) -> None:
        if self._file is not None:
            _remove_locked(self._file, self._path)
            self._file = None

    def _close(self) -> None:
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
            self._file = None


def _next_record(file: IO[bytes]) -> bytes:
    """The next record; empty at the end of the file, or at a damaged record, where the file is truncated."""
    at = file.tell()
    head = file.read(_RECORD.size)
    size, checksum = _RECORD.unpack(head) if len(head) == _RECORD.size else (0, 0)
    whole = 0 < size <= os.fstat(file.fileno()).st_size
    record = file.read(size) if whole else b""
    if not whole or len(record) < size or checksum != zlib.crc32(record):
        file.seek(at)
        file.truncate()
        return b""
    return record


def _open_locked(path: Path) -> IO[bytes]:
    """Opens or creates the file, and locks it.

    Raises:
        OSError: It cannot be made or locked, or was removed meanwhile.
    """
    file = os.fdopen(
        os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666), "r+b"
    )
    try:
        lock(file)
        if not os.path.samestat(os.fstat(file.fileno()), os.stat(path)):
            raise FileNotFoundError(path)
    except OSError:
        file.close()
        raise
    return file


def _remove_locked(file: IO[bytes], path: Path) -> None:
    """Removes a file whose lock is held; Windows can remove it only after it is closed."""
    with suppress(OSError):
        path.unlink()
    with suppress(OSError):
        file.close()
    if os.name == "nt":
        with suppress(OSError):
            path.unlink()


def _write_header(file: IO[bytes], key: str, scratch: Sequence[Path]) -> None:
    header = {"key": key, "scratch": [str(folder) for folder in scratch]}
    text = json.dumps(header).encode()
    if len(text) > _HEADER:
        text = json.dumps({"key": key}).encode()
    file.seek(0)
    file.write(text.ljust(_HEADER))
    file.flush()
    file.seek(_HEADER)


def _read_header(file: IO[bytes]) -> dict[str, Any]:
    """The header of a journal; empty when the file has none."""
    try:
        file.seek(0)
        header = json.loads(file.read(_HEADER))
    except (OSError, ValueError):
        return {}
    return header if isinstance(header, dict) else {}


def _remove_scratch(header: dict[str, Any]) -> None:
    """Removes the hidden folders of the run that wrote a header; it has ended, as its lock was free."""
    for folder in header.get("scratch") or ():
        if Path(str(folder)).name.startswith(SCRATCH_PREFIX):
            shutil.rmtree(str(folder), ignore_errors=True)


def _remove_old(folder: Path) -> None:
    """Removes abandoned journals from a folder."""
    with suppress(OSError):
        for path in folder.glob(f"{KEPT_PREFIX}*"):
            with suppress(OSError):
                if time.time() - path.stat().st_mtime > OLDEST:
                    file = _open_locked(path)
                    _remove_scratch(_read_header(file))
                    _remove_locked(file, path)

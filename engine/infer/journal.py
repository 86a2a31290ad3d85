"""What a run has finished, in a file beside its output, so that one that was killed goes on where it stopped."""

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
OLDEST = 7 * 24 * 3600.0  # s after which nobody is expected to go on

_RECORD = struct.Struct("<QI")  # bytes of a record, and their CRC-32
_HEADER = 1 << 14  # bytes, padded: it is written anew when a run takes the file up


class Journal:
    """The file `.spectralgpt-resume-OUTPUT`; a context manager.

    It is a header of JSON (the job's key, and the hidden folders of its unfinished outputs) and then records, each with
    a checksum: after a power failure those up to the first damaged one count. It is locked while a run uses it, so a
    second run into the same output keeps nothing and takes nothing up.

    It is removed at every orderly end: result, error or cancel. It stays when the process is killed, and when the
    client is gone. The next run into the same output takes it up or removes it; the next run into the same folder
    removes those that are older than `OLDEST`.
    """

    def __init__(self, output: str, resume: bool) -> None:
        """Looks at nothing yet.

        Args:
            output: The job's main output.
            resume: Whether to take up an earlier run, and to keep records for a later one.
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
        """Removes the file, except where nobody was there to see the run end."""
        if kind is not None and issubclass(kind, ClientGone):
            self._close()
        else:
            self._remove()

    def take_up(self, key: str, scratch: Sequence[Path] = ()) -> None:
        """Opens the file of an earlier run of the same job, or begins one.

        Args:
            key: Digest of the job; records of another job are removed. Empty: the job cannot be recognised, and
                nothing is kept.
            scratch: This run's hidden folders, which it may not come to remove.
        """
        _remove_old(self._path.parent)
        with suppress(OSError):  # another run holds it, or the place has no locks: then without
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
        """The records of the earlier run, as they were kept; a disk that fails ends them, and the keeping."""
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
        """Keeps a record; a disk that is full ends the keeping and not the run."""
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
    """The record at the file's place; empty at the end, and at a damaged one, which is cut off with all after it."""
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
    """The file, made where there is none, under its lock.

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
    """Removes a file whose lock is held; Windows removes no open file."""
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
    """Empty when it is none."""
    try:
        file.seek(0)
        header = json.loads(file.read(_HEADER))
    except (OSError, ValueError):
        return {}
    return header if isinstance(header, dict) else {}


def _remove_scratch(header: dict[str, Any]) -> None:
    """Removes the hidden folders of the run that wrote a header; it is dead, for its lock was free."""
    for folder in header.get("scratch") or ():
        if Path(str(folder)).name.startswith(SCRATCH_PREFIX):
            shutil.rmtree(str(folder), ignore_errors=True)


def _remove_old(folder: Path) -> None:
    """Removes what runs left in a folder that nobody took up."""
    with suppress(OSError):
        for path in folder.glob(f"{KEPT_PREFIX}*"):
            with suppress(OSError):
                if time.time() - path.stat().st_mtime > OLDEST:
                    file = _open_locked(path)
                    _remove_scratch(_read_header(file))
                    _remove_locked(file, path)

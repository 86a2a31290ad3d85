"""The finished rows of a run, kept beside its output, so that a run that was killed goes on where it stopped."""

from __future__ import annotations

import json
import os
import shutil
import struct
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ClientGone
from ..progress import Progress
from .file_lock import lock
from .merge import Rows
from .mosaic import Earlier, Mosaic, Tally
from .staging import SCRATCH_PREFIX

KEPT_PREFIX = f"{SCRATCH_PREFIX}resume-"
OLDEST = 7 * 24 * 3600.0  # s after which nobody is expected to go on
Layers = tuple[NDArray[Any], ...]
# Gives the strips after those of an earlier run, each with the tally at that place.
Compute = Callable[[Progress, Earlier], Iterator[tuple[Layers, Tally]]]

# rows, windows that the model saw before them, known pixels down to their end, whether each layer has one value alone,
# CRC-32 of these and the rows
_RECORD = struct.Struct("<QQQ?I")
_COUNTS = struct.Struct("<QQQ?")
_HEADER = 1 << 14  # bytes, padded: it is written anew when a run takes the file up


class FinishedRows:
    """What a run has computed so far, in the file `.spectralgpt-resume-OUTPUT`; a context manager.

    The file is a header of JSON (the job's key, and the hidden folders of its unfinished outputs) and then one record
    for each strip of rows, with a checksum: after a power failure the rows up to the first damaged record count. It
    is locked while a run uses it, so a second run into the same output keeps nothing and takes nothing up.

    It is removed at every orderly end: result, error or cancel. It stays when the process is killed, and when the
    client is gone. The next run into the same output takes it up or removes it; the next run into the same folder
    removes those that are older than `OLDEST`.
    """

    def __init__(self, output: str, resume: bool) -> None:
        """Looks at nothing yet.

        Args:
            output: The job's main output.
            resume: Whether to take up an earlier run, and to keep rows for a later one.
        """
        path = Path(os.path.abspath(output))
        self._path = path.with_name(KEPT_PREFIX + path.name)
        self._resume = resume
        self._file: IO[bytes] | None = None
        self._width, self._dtypes = 0, tuple[np.dtype[Any], ...]()
        self._run: dict[int, int] = {}  # last row of a strip -> windows run before it
        self._rows = self._pixels = 0

    def __enter__(self) -> FinishedRows:
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

    @property
    def earlier(self) -> Earlier:
        """What was done before this run, complete once `replay` is exhausted."""
        return Earlier(self._rows, self._pixels, self._run)

    def take_up(
        self, key: str, width: int, dtypes: Sequence[str], scratch: Sequence[Path] = ()
    ) -> None:
        """Opens the file of an earlier run of the same job, or begins one.

        Args:
            key: Of the job; another one's rows are removed. Empty: the job cannot be recognised, so nothing is kept.
            width: Columns of the rows.
            dtypes: numpy names of the layers' types.
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
        self._width, self._dtypes = width, tuple(np.dtype(name) for name in dtypes)
        try:
            if header.get("key") != key:
                self._file.truncate(0)
            _write_header(self._file, key, scratch)
        except OSError:
            self._remove()

    def replay(self) -> Iterator[Layers]:
        """The rows of the earlier run, strip by strip as they were kept: one array [n, width] for each layer."""
        pixel = sum(dtype.itemsize for dtype in self._dtypes)
        while self._file is not None:
            at = self._file.tell()
            head = self._file.read(_RECORD.size)
            whole = len(head) == _RECORD.size
            rows, run, pixels, uniform, checksum = _RECORD.unpack(head) if whole else (0,) * 5
            size = pixel if uniform else rows * self._width * pixel
            whole = whole and size <= os.fstat(self._file.fileno()).st_size
            values = self._file.read(size) if whole else b""
            if not whole or len(values) < size or checksum != _checksum(head, values):
                self._file.seek(at)
                self._file.truncate()
                return
            self._rows, self._pixels = self._rows + rows, pixels
            self._run[self._rows] = run
            yield self._layers(values, rows, uniform)

    def append(self, layers: Layers, tally: Tally) -> None:
        """Keeps a strip of rows.

        A disk that is full ends the keeping and not the run.

        Args:
            layers: One array [n, width] for each layer.
            tally: As it was when these rows came out.
        """
        if self._file is None:
            return
        # Most rows of a large raster are without data where a small extent was asked for.
        uniform = all((layer == layer[0, 0]).all() for layer in layers)
        counts = _COUNTS.pack(len(layers[0]), tally.run, tally.pixels, uniform)
        values = b"".join((layer[0, 0] if uniform else layer).tobytes() for layer in layers)
        try:
            self._file.write(counts + struct.pack("<I", _checksum(counts, values)) + values)
            self._file.flush()
        except OSError:
            self._remove()

    def _layers(self, values: bytes, rows: int, uniform: bool) -> Layers:
        layers, at, shape = [], 0, (rows, self._width)
        for dtype in self._dtypes:
            count = 1 if uniform else rows * self._width
            layer = np.frombuffer(values, dtype, count, at)
            layers.append(np.full(shape, layer[0]) if uniform else layer.reshape(shape))
            at += count * dtype.itemsize
        return tuple(layers)

    def _remove(self) -> None:
        if self._file is not None:
            _remove_locked(self._file, self._path)
            self._file = None

    def _close(self) -> None:
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
            self._file = None


def resumed(
    kept: FinishedRows, compute: Compute, height: int, progress: Progress
) -> Iterator[Layers]:
    """All rows of a map: those that an earlier run had finished, then those that are computed, kept as they come.

    Args:
        kept: Taken up.
        compute: Computes.
        height: Rows of the map.
        progress: Told of every window; a cancel takes effect there.

    Yields:
        Strips from the top: one array [n, width] for each layer.

    Raises:
        EmptyArea: No pixel of the region is valid.
    """
    for layers in kept.replay():
        progress.check()
        yield layers
    earlier = kept.earlier
    if earlier.rows:
        progress.log(
            f"Goes on where the last run stopped: {earlier.rows} of {height} rows are done"
        )
    for layers, tally in compute(progress, earlier):
        kept.append(layers, tally)
        yield layers


def computed(mosaic: Mosaic, reduce: Callable[[Rows], Layers]) -> Compute:
    """Rows that are computed in this process.

    Args:
        mosaic: Computes probabilities.
        reduce: Makes the layers of a strip: what is kept, and what becomes the outputs.
    """

    def compute(progress: Progress, earlier: Earlier) -> Iterator[tuple[Layers, Tally]]:
        for rows in mosaic.rows(progress, earlier):
            yield reduce(rows), mosaic.tally

    return compute


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


def _checksum(head: bytes, values: bytes) -> int:
    return zlib.crc32(values, zlib.crc32(head[: _COUNTS.size]))

"""A cache on disk for the tokens of a frozen encoder.

An analyst draws, trains, draws more and trains again: most windows are the same as before, and the encoder is
most of the work. The key of an entry covers all that it depends on: input values, weights, and how it was
computed. So entries never become stale, and results are the same with and without the cache.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path
from threading import Lock, get_ident

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..infer.processor import processor_name
from ..model import encoder as encoder_module
from ..model import layers, position
from ..model.encoder import SpectralEncoder

HOME_VARIABLE, SIZE_VARIABLE = "SPECTRALGPT_HOME", "SPECTRALGPT_CACHE"
MOST = 1024  # MB, unless SPECTRALGPT_CACHE says otherwise
_MB = 2**20
_FREE_SHARE = 10  # use at most a tenth of the free disk space
_SUFFIX, _SEAL = ".tokens", 20  # suffix of the files; bytes of the digest before the values
_PART = re.compile(r"[0-9a-f]{40}\.\d+-\d+")  # a file being written: key, process, thread
_STALE = 3600e9  # ns after which a partial file is considered abandoned


def kept_folder() -> Path:
    """Folder of the cache: in SPECTRALGPT_HOME, else in the user's cache folder."""
    chosen = os.environ.get(HOME_VARIABLE)
    if chosen:
        return Path(chosen).expanduser().absolute() / "cache" / "tokens"
    home = Path.home()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
        return base / "SpectralGPT" / "Cache" / "tokens"
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "SpectralGPT" / "tokens"
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "SpectralGPT" / "tokens"


def open_kept() -> KeptTokens | None:
    """Opens the cache; None if its limit, SPECTRALGPT_CACHE in MB, is 0."""
    text = os.environ.get(SIZE_VARIABLE, "")
    most = (int(text) if text.isdigit() else MOST) * _MB
    return KeptTokens(kept_folder(), most) if most else None


class KeptTokens:
    """A folder of arrays by key, bounded in size: the least recently used are removed.

    Failures to read or write are ignored, as a cache must not end a run. Several processes and threads may use
    a folder at once.

    Attributes:
        found: Number of distinct arrays that were in the cache.
        made: Number of distinct arrays that were not.
    """

    def __init__(self, folder: Path, most: int) -> None:
        """Opens the folder, which is created when something is written.

        Args:
            folder: The folder; files of other origin in it are ignored.
            most: Largest total size of the files, bytes.
        """
        self._folder, self._lock = folder, Lock()
        self._most = min(most, _room(folder) // _FREE_SHARE)
        self._used = 0  # bytes that this run has read and written
        self.found = self.made = 0
        self._counted: set[str] = set()  # a run may compute a window twice

    def read(self, key: str, shape: tuple[int, ...]) -> NDArray[np.float32] | None:
        """The array of a key and shape; None if it is missing or damaged."""
        path = self._folder / f"{key}{_SUFFIX}"
        with suppress(OSError):
            content = path.read_bytes()
            seal, values = content[:_SEAL], content[_SEAL:]
            if len(values) == 4 * int(np.prod(shape)) and seal == _digest(values):
                with suppress(OSError):  # a read-only folder
                    os.utime(path)
                self._count(key, len(content), found=True)
                return np.frombuffer(values, "<f4").reshape(shape)
        return None

    def write(self, key: str, values: NDArray[np.float32]) -> None:
        """Stores an array, unless this run alone has filled the cache: then later windows are not stored."""
        content = values.astype("<f4").tobytes()
        if not self._count(key, len(content) + _SEAL, found=False):
            return
        part = self._folder / f"{key}.{os.getpid()}-{get_ident()}"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            part.write_bytes(_digest(content) + content)
            part.replace(self._folder / f"{key}{_SUFFIX}")
        except OSError:
            with suppress(OSError):
                part.unlink(missing_ok=True)

    def prune(self) -> None:
        """Removes the least recently used files until the rest fits, and partial files of killed processes."""
        files = []
        with suppress(OSError), os.scandir(self._folder) as entries:
            for entry in entries:
                with suppress(OSError):  # another process has removed it
                    told = entry.stat()
                    if entry.name.endswith(_SUFFIX):
                        files.append((told.st_mtime_ns, told.st_size, entry.path))
                    elif _PART.fullmatch(entry.name) and time.time_ns() - told.st_mtime_ns > _STALE:
                        os.unlink(entry.path)
        total = sum(size for _, size, _ in files)
        for _, size, path in sorted(files):
            if total <= self._most:
                break
            with suppress(OSError):
                os.unlink(path)
                total -= size

    def _count(self, key: str, size: int, found: bool) -> bool:
        """Counts an array once; returns whether all that this run has used fits into the cache."""
        with self._lock:
            if key not in self._counted:
                self._counted.add(key)
                self.found += found
                self.made += not found
                self._used += size
            return self._used <= self._most


@contextmanager
def remembering(encoder: SpectralEncoder, kept: KeptTokens | None) -> Iterator[None]:
    """Within this context, a frozen encoder takes its token maps from the cache if they are there.

    Args:
        encoder: The encoder, on the processor and in evaluation mode.
        kept: The cache; None to compute everything.
    """
    if kept is None:
        yield
        return
    compute, made_by = encoder.token_map, _maker(encoder)

    def token_map(image: Tensor, groups: Tensor | None = None) -> Tensor:
        rows, columns = (side // encoder.config.patch for side in image.shape[2:])
        shape = (len(image), encoder.config.dim, rows, columns)
        key = _key(made_by, image, groups)
        earlier = kept.read(key, shape)
        if earlier is not None:
            return torch.from_numpy(earlier.copy())
        found = compute(image, groups)
        kept.write(key, found.numpy())
        return found

    encoder.token_map = token_map  # type: ignore[method-assign]
    try:
        yield
    finally:
        del encoder.token_map
        kept.prune()


def _maker(encoder: SpectralEncoder) -> bytes:
    """Digest of all that tokens depend on besides the input: weights, code, threads, processor."""
    whole = blake2b(digest_size=32)
    told = (
        torch.__version__,
        processor_name(),
        torch.get_num_threads(),
        encoder.config,
    )
    whole.update(repr(told).encode())
    for module in (encoder_module, layers, position):
        whole.update(Path(str(module.__file__)).read_bytes())
    for name, values in sorted(encoder.state_dict().items()):
        whole.update(name.encode())
        whole.update(values.cpu().contiguous().numpy().tobytes())
    return whole.digest()


def _key(made_by: bytes, image: Tensor, groups: Tensor | None) -> str:
    whole = blake2b(made_by, digest_size=20)
    present = None if groups is None else groups.tolist()
    whole.update(repr((tuple(image.shape), present)).encode())
    whole.update(image.contiguous().numpy().tobytes())
    return whole.hexdigest()


def _digest(content: bytes) -> bytes:
    return blake2b(content, digest_size=_SEAL).digest()


def _room(folder: Path) -> int:
    """Bytes that a folder's files take or could take on its disk, 0 if unknown; it need not exist."""
    own = 0
    with suppress(OSError), os.scandir(folder) as entries:
        own = sum(entry.stat().st_size for entry in entries)
    for place in (folder, *folder.parents):
        with suppress(OSError):
            return shutil.disk_usage(place).free + own
    return 0

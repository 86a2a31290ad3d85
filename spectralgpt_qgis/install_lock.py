"""Locks the environment, so that only one QGIS or shell of the user installs at a time.

It is a file lock of the operating system, which releases it when the process ends in any way, so
there are no stale locks.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from .install_problems import EnvironmentProblem

_FAR = 1 << 20  # the byte to lock on Windows, beyond the text, which so stays readable


@contextlib.contextmanager
def install_lock(file: Path) -> Iterator[None]:
    """Hold the lock file while the block runs.

    Raises:
        EnvironmentProblem: If another process holds it.
    """
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            _lock(descriptor)
        except OSError as error:
            holder = os.read(descriptor, 32).decode("ascii", "replace").strip() or "unknown"
            raise EnvironmentProblem(
                "busy",
                f"The engine is being installed by another process (number {holder}). Wait until it is done, or end "
                "that process, and try again.",
            ) from error
        os.ftruncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode("ascii"))
        yield
    finally:
        os.close(descriptor)


def is_locked(file: Path) -> bool:
    """Return whether a process holds the lock; finds out by trying to take it for a moment."""
    try:
        descriptor = os.open(file, os.O_RDWR)
    except OSError:
        return False
    try:
        _lock(descriptor)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def _lock(descriptor: int) -> None:
    if os.name == "nt":
        import msvcrt

        os.lseek(descriptor, _FAR, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        finally:
            os.lseek(descriptor, 0, os.SEEK_SET)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

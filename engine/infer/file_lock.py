"""An operating-system lock on an open file: released with the process, however that ends."""

from __future__ import annotations

import os
import sys
from typing import IO, Any

_FAR = (1 << 31) - 2  # the byte to lock on Windows, beyond any content


def lock(file: IO[Any]) -> None:
    """Takes the lock until the file is closed; does not wait.

    Args:
        file: Open for writing.

    Raises:
        OSError: Another process holds it, or this file system has no locks.
    """
    if sys.platform == "win32":
        import msvcrt

        at = os.lseek(file.fileno(), 0, os.SEEK_CUR)
        os.lseek(file.fileno(), _FAR, os.SEEK_SET)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        finally:
            os.lseek(file.fileno(), at, os.SEEK_SET)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

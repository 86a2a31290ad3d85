"""Writes small files that stay in the engine's environment for later runs."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path


def keep_file(path: Path, content: bytes) -> None:
    """Replaces a file atomically, as two engines may write at once; does nothing in a read-only environment.

    Args:
        path: The file.
        content: All of it.
    """
    part = path.with_name(f"{path.name}.{time.time_ns()}")
    try:
        part.write_bytes(content)
        part.replace(path)
    except OSError:
        with suppress(OSError):
            part.unlink()

"""Files that stay with the engine's environment, for the next run."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path


def keep_file(path: Path, content: bytes) -> None:
    """Replaces a file whole, as two engines may do at once; where the environment may not be written, it is left.

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

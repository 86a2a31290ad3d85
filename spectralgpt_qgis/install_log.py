"""What the last installation said, kept in a file: it outlives a QGIS that was closed in the middle. No Qt."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

_LONGEST = 400  # characters of a line


class InstallLog:
    """A small text file, begun anew by every installation; one that cannot be written is no error."""

    def __init__(self, file: Path) -> None:
        """Touches nothing yet.

        Args:
            file: Where it is kept.
        """
        self._file = file

    def begin(self, what: str) -> None:
        """Forget what was there and write the first line."""
        with contextlib.suppress(OSError):
            self._file.write_text("", encoding="utf-8")
        self.add(what)

    def add(self, text: str) -> None:
        """Write the lines of a text with the time."""
        now = time.strftime("%Y-%m-%d %H:%M:%S")
        lines = [line.rstrip()[:_LONGEST] for line in text.splitlines() if line.strip()]
        with contextlib.suppress(OSError), self._file.open("a", encoding="utf-8") as log:
            log.writelines(f"{now} {line}\n" for line in lines)

    def tail(self, count: int = 30) -> list[str]:
        """Return the last lines; none when there is no log."""
        try:
            return self._file.read_text(encoding="utf-8", errors="replace").splitlines()[-count:]
        except OSError:
            return []

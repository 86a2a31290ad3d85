"""The log of the last installation, in a file so that it survives closing QGIS during an installation. No Qt."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

_LONGEST = 400  # characters per line; the rest is cut off


class InstallLog:
    """A small text file, overwritten by every installation; errors of writing it are ignored."""

    def __init__(self, file: Path) -> None:
        """Writes nothing yet.

        Args:
            file: Path of the log file.
        """
        self._file = file

    def begin(self, what: str) -> None:
        """Empty the log and write the first line."""
        with contextlib.suppress(OSError):
            self._file.write_text("", encoding="utf-8")
        self.add(what)

    def add(self, text: str) -> None:
        """Append the lines of a text, each with the time."""
        now = time.strftime("%Y-%m-%d %H:%M:%S")
        lines = [line.rstrip()[:_LONGEST] for line in text.splitlines() if line.strip()]
        with contextlib.suppress(OSError), self._file.open("a", encoding="utf-8") as log:
            log.writelines(f"{now} {line}\n" for line in lines)

    def tail(self, count: int = 30) -> list[str]:
        """Return the last lines; none if there is no log."""
        try:
            return self._file.read_text(encoding="utf-8", errors="replace").splitlines()[-count:]
        except OSError:
            return []

"""A scratch file for a scene's scores between the two passes of change detection, with their histogram."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from ..data.grid import Grid
from .staging import write_error
from .threshold import BINS

UNKNOWN = -1.0
_BYTES = 4


def score_bytes(grid: Grid) -> int:
    """Bytes of the file with the scores of a scene."""
    return _BYTES * grid.height * grid.width


class ScoreFile:
    """Scores 0..1 of every pixel, -1 where unknown; written once, then read in any order. A context manager.

    Attributes:
        grid: Grid of the scene.
        histogram: Pixels in each of `BINS` equal bins, int64.
    """

    def __init__(self, path: Path, grid: Grid) -> None:
        """Creates the file.

        Args:
            path: File to write; the caller removes it.
            grid: Grid of the scene.

        Raises:
            OutputNotWritable: It cannot be created.
            DiskFull: The disk has no room.
        """
        self._path, self.grid = path, grid
        self.histogram = np.zeros(BINS, np.int64)
        try:
            self._file = path.open("w+b")
        except OSError as error:
            raise write_error(path, error) from error

    def __enter__(self) -> ScoreFile:
        """Does nothing: the constructor opens the file."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Closes the file."""
        self._file.close()

    def write(self, scores: NDArray[np.float32]) -> None:
        """Appends rows.

        Args:
            scores: float32 [n, width], 0..1, or `UNKNOWN`.

        Raises:
            OutputNotWritable: The file cannot be written.
            DiskFull: The disk has no room.
        """
        bins = (scores[scores != UNKNOWN] * BINS).astype(np.int64).clip(0, BINS - 1)
        self.histogram += np.bincount(bins, minlength=BINS)
        try:
            self._file.write(scores.astype("<f4").tobytes())
        except OSError as error:
            raise write_error(self._path, error) from error

    def read(self, window: Window) -> NDArray[np.float32]:
        """Scores of a window of whole rows, float32 [rows, width].

        Raises:
            OutputNotWritable: Rows are missing, for instance because the disk was full.
        """
        width = self.grid.width
        try:
            self._file.flush()
            self._file.seek(window.row_off * width * _BYTES)
            values = np.frombuffer(self._file.read(window.height * width * _BYTES), "<f4")
            return values.reshape(window.height, width).astype(np.float32)
        except (OSError, ValueError) as error:
            raise write_error(self._path, error) from error

    def strips(self, rows: int) -> Iterator[tuple[Window, NDArray[Any]]]:
        """All rows from the top, `rows` at a time."""
        for top in range(0, self.grid.height, rows):
            window = Window(0, top, self.grid.width, min(rows, self.grid.height - top))
            yield window, self.read(window)

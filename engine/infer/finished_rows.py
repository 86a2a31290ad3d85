"""The finished rows of a map, kept beside it, so that a run that was killed goes on where it stopped."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..progress import Progress
from .journal import Journal
from .merge import Rows
from .mosaic import Earlier, Mosaic
from .tally import Tally

Layers = tuple[NDArray[Any], ...]
# Gives the strips after those of an earlier run, each with the tally at that place.
Compute = Callable[[Progress, Earlier], Iterator[tuple[Layers, Tally]]]

# Of a strip: rows, windows that the model saw before them, known pixels down to their end, whether each layer has one
# value alone; the values follow.
_COUNTS = struct.Struct("<QQQ?")


class FinishedRows:
    """What a run has computed of a map so far, strip by strip from the top."""

    def __init__(self, journal: Journal, width: int, dtypes: Sequence[str]) -> None:
        """Reads nothing yet.

        Args:
            journal: Taken up.
            width: Columns of the rows.
            dtypes: numpy names of the layers' types.
        """
        self._journal, self._width = journal, width
        self._dtypes = tuple(np.dtype(name) for name in dtypes)
        self._run: dict[int, int] = {}  # last row of a strip -> windows run before it
        self._rows = self._pixels = 0

    @property
    def earlier(self) -> Earlier:
        """What was done before this run, complete once `replay` is exhausted."""
        return Earlier(self._rows, self._pixels, self._run)

    def replay(self) -> Iterator[Layers]:
        """The rows of the earlier run, strip by strip as they were kept: one array [n, width] for each layer."""
        for record in self._journal.replay():
            rows, run, pixels, uniform = _COUNTS.unpack_from(record)
            self._rows, self._pixels = self._rows + rows, pixels
            self._run[self._rows] = run
            yield self._layers(record, rows, uniform)

    def append(self, layers: Layers, tally: Tally) -> None:
        """Keeps a strip of rows.

        Args:
            layers: One array [n, width] for each layer.
            tally: As it was when these rows came out.
        """
        # Most rows of a large raster are without data where a small extent was asked for.
        uniform = all((layer == layer[0, 0]).all() for layer in layers)
        counts = _COUNTS.pack(len(layers[0]), tally.run, tally.pixels, uniform)
        values = ((layer[0, 0] if uniform else layer).tobytes() for layer in layers)
        self._journal.append(b"".join((counts, *values)))

    def _layers(self, record: bytes, rows: int, uniform: bool) -> Layers:
        layers, at, shape = [], _COUNTS.size, (rows, self._width)
        for dtype in self._dtypes:
            count = 1 if uniform else rows * self._width
            layer = np.frombuffer(record, dtype, count, at)
            layers.append(np.full(shape, layer[0]) if uniform else layer.reshape(shape))
            at += count * dtype.itemsize
        return tuple(layers)


def resumed(
    kept: FinishedRows, compute: Compute, height: int, progress: Progress
) -> Iterator[Layers]:
    """All rows of a map: those that an earlier run had finished, then those that are computed, kept as they come.

    Args:
        kept: Taken up.
        compute: Computes.
        height: Rows of the map.
        progress: Updated at every window; a cancel takes effect there.

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

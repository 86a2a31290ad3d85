"""Keeps the finished rows of a map in its journal, so that a killed run can be resumed."""

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
# Yields the strips below those of an earlier run, each with the tally at that point.
Compute = Callable[[Progress, Earlier], Iterator[tuple[Layers, Tally]]]

# Header of a strip: rows, windows predicted before it, known pixels down to its end, and whether every layer has a
# single value; the values follow.
_COUNTS = struct.Struct("<QQQ?")


class FinishedRows:
    """The rows that have been computed so far, strip by strip from the top."""

    def __init__(self, journal: Journal, width: int, dtypes: Sequence[str]) -> None:
        """Reads nothing yet.

        Args:
            journal: The journal, taken up.
            width: Columns of the rows.
            dtypes: numpy names of the layers' types.
        """
        self._journal, self._width = journal, width
        self._dtypes = tuple(np.dtype(name) for name in dtypes)
        self._run: dict[int, int] = {}  # last row of a strip -> windows run before it
        self._rows = self._pixels = 0

    @property
    def earlier(self) -> Earlier:
        """What an earlier run has finished, complete once `replay` is exhausted."""
        return Earlier(self._rows, self._pixels, self._run)

    def replay(self) -> Iterator[Layers]:
        """The rows of the earlier run, strip by strip: one array [n, width] for each layer."""
        for record in self._journal.replay():
            rows, run, pixels, uniform = _COUNTS.unpack_from(record)
            self._rows, self._pixels = self._rows + rows, pixels
            self._run[self._rows] = run
            yield self._layers(record, rows, uniform)

    def append(self, layers: Layers, tally: Tally) -> None:
        """Keeps a strip of rows.

        Args:
            layers: One array [n, width] for each layer.
            tally: The tally when these rows came out.
        """
        # Rows outside a small extent hold no data: they are stored as a single value.
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
    """All rows of a map: first those that an earlier run had finished, then those computed now.

    Args:
        kept: The finished rows; computed ones are added.
        compute: Computes the remaining rows.
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
        progress.log(f"Resuming the previous run: {earlier.rows} of {height} rows are done")
    for layers, tally in compute(progress, earlier):
        kept.append(layers, tally)
        yield layers


def computed(mosaic: Mosaic, reduce: Callable[[Rows], Layers]) -> Compute:
    """Computes rows in this process.

    Args:
        mosaic: Computes probabilities.
        reduce: Turns probabilities into the layers that are kept and written.
    """

    def compute(progress: Progress, earlier: Earlier) -> Iterator[tuple[Layers, Tally]]:
        for rows in mosaic.rows(progress, earlier):
            yield reduce(rows), mosaic.tally

    return compute

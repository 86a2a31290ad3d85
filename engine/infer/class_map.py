"""Writes a class map row by row, adds up its areas, and sieves small regions on request."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..cards import ModelClass
from ..data.grid import Grid
from .areas import AreaTable
from .polygons import sieve
from .tiles import raster_writer
from .writer import BLOCK, Layer


class ClassMap:
    """Writes a class raster, as a context manager.

    Rows go straight to the file, unless regions are to be sieved: that needs the whole map in memory.

    Attributes:
        areas: Pixels and ground of each class as written, complete when the map is closed.
    """

    def __init__(
        self,
        path: Path,
        grid: Grid,
        layer: Layer,
        classes: Sequence[ModelClass],
        min_area: float = 0.0,
        cog: bool = False,
        tiles: int = 0,
    ) -> None:
        """Creates the file.

        Args:
            path: File to write.
            grid: Grid of the map.
            layer: How it is written.
            classes: The classes.
            min_area: Regions smaller than this, in square metres, are merged into their neighbours.
            cog: Whether it becomes a Cloud Optimized GeoTIFF.
            tiles: Side of tiles, pixels; 0 = one file.
        """
        self._grid, self._layer, self._min_area = grid, layer, min_area
        self._top = 0
        self._whole = np.empty(grid.shape, layer.dtype) if min_area > 0 else None
        self.areas = AreaTable(grid, classes)
        self._writer = raster_writer(path, grid, layer, cog, tiles)

    def __enter__(self) -> ClassMap:
        """Does nothing: the constructor opens the file."""
        return self

    def write(self, values: NDArray[Any]) -> None:
        """Appends rows of class values [n, width]."""
        if self._whole is not None:
            self._whole[self._top : self._top + len(values)] = values
        else:
            self._put(self._top, values)
        self._top += len(values)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Sieves if requested, and completes the file."""
        if kind is None and self._whole is not None:
            known = self._whole != self._layer.nodata
            sieved = sieve(self._whole, known, self._grid, self._min_area)
            for top in range(0, self._grid.height, BLOCK):
                self._put(top, sieved[top : top + BLOCK])
        self._writer.__exit__(kind, error, traceback)

    def _put(self, top: int, values: NDArray[Any]) -> None:
        self.areas.add(top, values)
        self._writer.write(values)

"""Opens a raster at the pixel size at which a scene model sees it."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from ..cards import Card
from ..data.source import RasterSource
from ..progress import Progress
from .cells import Cells, lay_cells


def open_scaled(
    path: str,
    card: Card,
    cell_size: float,
    opened: ExitStack,
    progress: Progress,
    **given: Any,
) -> tuple[RasterSource, Cells]:
    """Opens a raster at a model's ground sample distance, or scaled so that a cell is one window.

    Args:
        path: Raster file or GDAL connection string.
        card: The model's card.
        cell_size: Side of a cell in CRS units, 0 = the model's window.
        opened: Closes the raster.
        progress: Takes log and warnings about resampling.
        **given: `bands`, `nodata` and `crs` of `RasterSource.open`.

    Returns:
        The raster, and the cells on its grid.
    """
    with ExitStack() as first:
        source = first.enter_context(RasterSource.open(path, card, **given))
        cells = lay_cells(source.grid, card, cell_size, progress)
        if cells.grid is source.grid:
            opened.enter_context(first.pop_all())
            return source, cells
    resampled = RasterSource.open(path, card, grid=cells.grid, **given)
    return opened.enter_context(resampled), cells

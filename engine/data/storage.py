"""How a raster's pixels are stored: in blocks that are decoded as a whole, and whether in overviews too.

For a virtual raster (VRT) the files behind it are asked, as GDAL reports blocks of 128 x 128 pixels for every VRT.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from typing import Any

import numpy as np

from ..errors import RasterUnreadable
from .far import is_far
from .opening import open_raster
from .vrt_sources import VirtualSource, sources_of

_LEVELS = 3  # virtual rasters inside virtual rasters that are followed
_FEW = 4  # files of a band: a decimated read opens all of them, sampling by windows does not


def row_bytes(dataset: Any, indexes: Sequence[int], levels: int = _LEVELS) -> int:
    """Bytes of the decoded blocks across a raster: what GDAL's cache must hold to read along a row without repeats.

    The files of a mosaic are taken to be like the first one.

    Args:
        dataset: Open rasterio dataset.
        indexes: Numbers of the bands that are read, from 1.
        levels: Levels of virtual rasters to follow.
    """
    if dataset.driver != "VRT":
        return _own_row_bytes(dataset, indexes)
    total = 0.0
    for path, found in _by_file(dataset, indexes).items():
        if levels and not is_far(path):
            with suppress(RasterUnreadable), open_raster(path) as file:
                beside = dataset.width * found[0].across / file.width  # files side by side
                total += beside * row_bytes(file, [source.band for source in found], levels - 1)
    return int(total)


def has_overviews(dataset: Any, indexes: Sequence[int], levels: int = _LEVELS) -> bool:
    """Whether decimated reads are fast, as overviews serve them.

    Args:
        dataset: Open rasterio dataset.
        indexes: Numbers of the bands that are read, from 1.
        levels: Levels of virtual rasters to follow.
    """
    if dataset.overviews(indexes[0]):
        return True
    if not levels or any(next(islice(sources_of(dataset, i), _FEW, None), None) for i in indexes):
        return False
    files = _by_file(dataset, indexes)
    for path, found in files.items():
        bands = [source.band for source in found]
        if is_far(path):
            return False
        try:
            with open_raster(path) as file:
                if not has_overviews(file, bands, levels - 1):
                    return False
        except RasterUnreadable:
            return False
    return bool(files)


def _own_row_bytes(dataset: Any, indexes: Sequence[int]) -> int:
    # With pixel interleaving, GDAL decodes and keeps all bands of a block together.
    together = dataset.count > 1 and dataset.profile.get("interleave") == "pixel"
    total = 0
    for index in dataset.indexes if together else indexes:
        height, width = dataset.block_shapes[index - 1]
        columns = -(-dataset.width // width) * width
        total += (
            min(height, dataset.height) * columns * np.dtype(dataset.dtypes[index - 1]).itemsize
        )
    return total


def _by_file(dataset: Any, indexes: Sequence[int]) -> dict[str, list[VirtualSource]]:
    """The first source of each band of a virtual raster, by file; empty if a band has none."""
    found: dict[str, list[VirtualSource]] = {}
    for index in indexes:
        source = next(sources_of(dataset, index), None)
        if source is None:
            return {}
        found.setdefault(source.path, []).append(source)
    return found

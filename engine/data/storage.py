"""How a raster's pixels are stored: in blocks that are decoded as a whole, and whether in overviews too.

For a virtual raster (VRT) the files behind it are asked, as GDAL reports blocks of 128 x 128 pixels for every VRT.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree  # nosec B405

import numpy as np

from ..errors import RasterUnreadable
from .far import is_far
from .opening import open_raster

_LEVELS = 3  # virtual rasters inside virtual rasters that are followed
_FEW = 4  # files of a band: a decimated read opens all of them, sampling by windows does not


@dataclass(frozen=True)
class _Behind:
    """The first file behind a band of a virtual raster.

    Attributes:
        path: Its name for GDAL.
        band: Number of its band, from 1.
        across: Columns of the file under one column of the virtual raster.
        files: Number of files behind the band.
    """

    path: str
    band: int
    across: float
    files: int


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
                total += beside * row_bytes(file, [behind.band for behind in found], levels - 1)
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
    files = _by_file(dataset, indexes) if dataset.driver == "VRT" and levels else {}
    for path, found in files.items():
        bands = [behind.band for behind in found]
        if is_far(path) or max(behind.files for behind in found) > _FEW:
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


def _by_file(dataset: Any, indexes: Sequence[int]) -> dict[str, list[_Behind]]:
    """What is behind the bands of a virtual raster, by file; empty if a band has no file."""
    found: dict[str, list[_Behind]] = {}
    for index in indexes:
        behind = _behind(dataset, index)
        if behind is None:
            return {}
        found.setdefault(behind.path, []).append(behind)
    return found


def _behind(dataset: Any, index: int) -> _Behind | None:
    texts = list(dataset.tags(index, ns="vrt_sources").values())
    if not texts:
        return None
    # No text of others: GDAL wrote it from what it understood.
    source = ElementTree.fromstring(texts[0])  # nosec B314
    name = source.findtext("SourceFilename")
    band = source.findtext("SourceBand") or "1"
    if not name or not band.isdigit():
        return None
    given, wanted = (
        float(rectangle.get("xSize", 0)) if rectangle is not None else 0.0
        for rectangle in (source.find("SrcRect"), source.find("DstRect"))
    )
    across = given / wanted if given > 0 and wanted > 0 else 1.0
    path = os.path.join(os.path.dirname(dataset.name), name)
    return _Behind(path, int(band), across, len(texts))

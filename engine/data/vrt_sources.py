"""The files behind the bands of an open virtual raster (VRT)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree  # nosec B405


@dataclass(frozen=True)
class VirtualSource:
    """A file behind a band.

    Attributes:
        name: Its name in the virtual raster.
        path: Its name for GDAL.
        band: Number of its band, from 1; for a mask 1.
        across: Columns of the file under one column of the virtual raster.
    """

    name: str
    path: str
    band: int
    across: float


def sources_of(dataset: Any, index: int) -> Iterator[VirtualSource]:
    """The files behind a band, in order; none if the dataset is no virtual raster, or the band is computed of no file.

    Args:
        dataset: Open rasterio dataset.
        index: Number of the band, from 1.
    """
    if dataset.driver != "VRT":
        return
    for text in dataset.tags(index, ns="vrt_sources").values():
        # No text of others: GDAL wrote it from what it understood.
        source = ElementTree.fromstring(text)  # nosec B314
        name = source.findtext("SourceFilename")
        if name:
            band = source.findtext("SourceBand") or ""
            path = os.path.join(os.path.dirname(dataset.name), name)
            yield VirtualSource(name, path, int(band) if band.isdigit() else 1, _across(source))


def _across(source: ElementTree.Element) -> float:
    given, wanted = (
        float(rectangle.get("xSize", 0)) if rectangle is not None else 0.0
        for rectangle in (source.find("SrcRect"), source.find("DstRect"))
    )
    return given / wanted if given > 0 and wanted > 0 else 1.0

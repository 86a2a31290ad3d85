"""Tells by its source whether a raster layer is a part of a satellite product, without opening anything."""

from __future__ import annotations

import re

_PARTS = re.compile(
    r"""^SENTINEL2_L\w+:  # a part of a product that GDAL itself has opened
    | (?:^|[/\\]) (?:
        (?:L2A_)?T\d{2}[A-Z]{3}_\d{8}T\d{6}_\w+\.jp2  # Sentinel-2
        | L[COTE]0[4-9]_L[12]\w{2}_\d{6}_\w+\.TIF  # Landsat Collection 2
        | HLS\.[SL]30\.T\w{5}\.\d{7}T\d{6}\.v2\.\d\.\w+\.tif
    )$""",
    re.VERBOSE | re.IGNORECASE,
)


def in_product(source: str) -> bool:
    """Whether a layer's source looks like one file of a Sentinel-2, Landsat or HLS product."""
    return bool(_PARTS.search(source.partition("|")[0]))

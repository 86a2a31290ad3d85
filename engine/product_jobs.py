"""The job that opens a satellite product."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .parameters import Job, parameter


@dataclass(frozen=True)
class OpenProductJob(Job):
    """A satellite product as it is delivered becomes one raster of reflectance, without copying its pixels."""

    verb: ClassVar[str] = "open-product"
    summary: ClassVar[str] = "open a Sentinel-2, Landsat or HLS product as one raster"

    input: str = parameter("the product: its folder, its .zip or .tar, or any of its files")
    output: str = parameter(
        "virtual raster to write, .vrt; the mask of clouds is written beside it"
    )
    resolution: float = parameter(
        "side of a pixel in metres, 0 = the finest of the product", 0.0, minimum=0
    )
    mask_clouds: bool = parameter("mask clouds and their shadows by the product's own layer", True)

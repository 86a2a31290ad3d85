"""Small rasters made for a test."""

import numpy as np
import rasterio
from affine import Affine
from rasterio.enums import ColorInterp

from engine.cards import Band, Card
from engine.data.source import RasterSource

BANDS = (
    Band("B02", "blue", 0.492, 0.066),
    Band("B03", "green", 0.560, 0.036),
    Band("B04", "red", 0.665, 0.031),
    Band("B05", "rededge071", 0.704, 0.015),
    Band("B06", "rededge075", 0.740, 0.015),
    Band("B07", "rededge078", 0.783, 0.020),
    Band("B08", "nir", 0.833, 0.106),
    Band("B11", "swir16", 1.612, 0.091),
    Band("B12", "swir22", 2.194, 0.175),
)
NAMES = tuple(band.name for band in BANDS)
CARD = Card("test", "segmentation", BANDS, window=16, optional_groups=(1,))
RAW = Card("test", "segmentation", BANDS, window=16, optional_groups=(1,), unit="raw")
TRANSFORM = Affine(10, 0, 500_000, 0, -10, 4_700_000)


def ramp(bands=9, height=20, width=30, start=300, step=100, dtype="uint16"):
    """Values that tell where they are: start + step * band + row * width + column."""
    plane = np.arange(height * width).reshape(height, width)
    return np.stack([start + step * k + plane for k in range(bands)]).astype(dtype)


def write(path, values, *, names=NAMES, crs="EPSG:32631", transform=TRANSFORM, **profile):
    """Writes [bands, rows, columns] as a GeoTIFF and gives its path."""
    tags = profile.pop("tags", {})
    scales, offsets = profile.pop("scales", None), profile.pop("offsets", None)
    mask, alpha = profile.pop("mask", None), profile.pop("alpha", False)
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=len(values),
        height=values.shape[1],
        width=values.shape[2],
        dtype=values.dtype,
        crs=crs,
        transform=transform,
        **profile,
    ) as dataset:
        if alpha:  # GeoTIFF takes it before the pixels only
            dataset.colorinterp = (*dataset.colorinterp[:-1], ColorInterp.alpha)
        dataset.write(values)
        if names:
            dataset.descriptions = tuple(names)
        if scales:
            dataset.scales = scales
        if offsets:
            dataset.offsets = offsets
        if mask is not None:
            dataset.write_mask(mask)
        dataset.update_tags(**tags)
    return str(path)


def read_all(path, card=CARD, **options):
    """All pixels, their validity, and the source that gave them."""
    with RasterSource.open(path, card, **options) as source:
        image, valid = source.read(source.grid.window)
        return image, valid, source

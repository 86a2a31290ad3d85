"""Makes a raster of any size with real spectra, by repeating the shipped sample, mirrored at its seams."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.transform import from_origin
from rasterio.windows import Window

SAMPLE = Path(__file__).resolve().parents[3] / "resources" / "sample" / "boadella_2020-06-21.tif"
BLOCK = 512


def make_scene(path: Path, height: int, width: int) -> None:
    """Writes a raster in the usual form of Sentinel-2 data: uint16, tiled, compressed, in UTM at 10 m.

    Args:
        path: GeoTIFF to write.
        height: Number of rows.
        width: Number of columns.
    """
    with rasterio.open(SAMPLE) as sample:
        patch = sample.read().clip(1, None).astype(np.uint16)  # [12, 377, 380]; 0 would be no-data
        names = sample.descriptions
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=len(patch),
        height=height,
        width=width,
        dtype="uint16",
        crs="EPSG:32631",
        transform=from_origin(500_000, 4_700_000, 10, 10),
        nodata=0,
        tiled=True,
        blockxsize=BLOCK,
        blockysize=BLOCK,
        compress="deflate",
        zlevel=1,
        interleave="pixel",
        bigtiff="IF_SAFER",
        num_threads="ALL_CPUS",
    ) as dataset:
        for index, name in enumerate(names, 1):
            dataset.set_band_description(index, name)
        for top in range(0, height, BLOCK):
            rows = mirrored(range(top, min(top + BLOCK, height)), patch.shape[1])
            for left in range(0, width, BLOCK):
                columns = mirrored(range(left, min(left + BLOCK, width)), patch.shape[2])
                window = Window(left, top, len(columns), len(rows))
                dataset.write(patch[:, rows[:, None], columns], window=window)


def mirrored(places: range, size: int) -> NDArray[np.int64]:
    """Maps places on an infinite axis to an axis of `size` that is mirrored at both ends: 0 1 2 2 1 0 0 1 ..."""
    folded = np.arange(places.start, places.stop) % (2 * size)
    return np.where(folded < size, folded, 2 * size - 1 - folded)

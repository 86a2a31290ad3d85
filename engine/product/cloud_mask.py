"""Writes the mask of a product's clouds: small, as it keeps the pixels of the layer that it comes from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from rasterio.enums import Resampling
from rasterio.errors import RasterioError

from ..data.grid import Grid
from ..data.opening import open_raster, readable
from ..infer.staging import write_error
from ..infer.writer import BLOCK, overview_factors
from ..progress import Progress
from .content import Product
from .quality import QualityLayer

VALID = 255
_ROWS = 1024  # rows that are judged at once


def write_mask(
    product: Product, layer: QualityLayer, grid: Grid, path: Path, progress: Progress
) -> tuple[tuple[int, int], float]:
    """Writes a GeoTIFF of 0 (clouds, shadows, no data) and 255.

    Args:
        product: The product.
        layer: Its layer that tells clouds.
        grid: Grid that covers the product, for the place of the layer, which needs none of its own.
        path: File to write.
        progress: Updated with every strip.

    Returns:
        (rows, columns) of the mask, and the share of the pixels with data that is clouded, 0..1.

    Raises:
        RasterUnreadable: The layer cannot be read.
        OutputNotWritable: The mask cannot be written.
        DiskFull: The disk has no room.
    """
    source = product.files.place(layer.file)
    clouded = known = 0
    with open_raster(source) as quality:
        rows, columns = quality.height, quality.width
        profile = {
            "driver": "GTiff",
            "dtype": "uint8",
            "count": 1,
            "height": rows,
            "width": columns,
            "crs": grid.crs,
            "transform": grid.transform @ Affine.scale(grid.width / columns, grid.height / rows),
            "compress": "deflate",
            "tiled": True,
            "blockxsize": BLOCK,
            "blockysize": BLOCK,
        }
        try:
            with rasterio.open(path, "w", **profile) as mask:
                for top in range(0, rows, _ROWS):
                    progress.update(top / rows)
                    window = ((top, min(top + _ROWS, rows)), (0, columns))
                    with readable(source, f"row {top}"):
                        values = quality.read(window=window)
                    cloud, fill = layer.judge(values)
                    clouded += int(cloud.sum())
                    known += int((~fill).sum())
                    valid = np.where(cloud | fill, 0, VALID).astype(np.uint8)
                    mask.write(valid, 1, window=window)
                if factors := overview_factors((rows, columns)):
                    mask.build_overviews(factors, Resampling.nearest)
        except (RasterioError, OSError) as error:
            raise write_error(path, error) from error
    return (rows, columns), clouded / max(known, 1)

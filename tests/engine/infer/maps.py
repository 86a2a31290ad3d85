"""Maps that were made, read for a test, and rasters made of others."""

from pathlib import Path

import rasterio
import rasterio.shutil


def read(path):
    """The first band [rows, columns]."""
    with rasterio.open(path) as dataset:
        return dataset.read(1)


def virtual_raster(path, folder, levels):
    """A virtual raster over a raster, or over a virtual one over it."""
    made = folder / "level1.vrt"
    rasterio.shutil.copy(path, made, driver="VRT")
    text = made.read_text(encoding="utf-8")
    for level in range(2, levels + 1):
        name, made = made.name, folder / f"level{level}.vrt"
        made.write_text(text.replace(Path(path).name, name), encoding="utf-8")
    return made

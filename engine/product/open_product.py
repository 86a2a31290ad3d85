"""The verb `open-product`: writes a virtual raster over a product's files, with a mask of its clouds."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from affine import Affine

from ..data.grid import Grid
from ..data.opening import grid_of, open_raster
from ..errors import InvalidParameter, ProductUnreadable
from ..infer.staging import GEOTIFF, VIRTUAL, StagedOutputs, write_error
from ..product_jobs import OpenProductJob
from ..progress import Progress
from .cloud_mask import write_mask
from .content import Product
from .finding import find_product
from .natural_colours import stretch_of
from .quality import QualityLayer
from .virtual_raster import Mask, Source, virtual_raster

MASK_ENDING = ".mask.tif"
_LARGEST = 200_000  # pixels along a side of the raster


def open_product(job: OpenProductJob, progress: Progress) -> dict[str, Any]:
    """Writes the virtual raster and the mask.

    Args:
        job: The checked job.
        progress: Takes the progress.

    Returns:
        Outputs (with `mask`, empty if there is none), the product's title and date, the names of its bands, "natural"
        (numbers of the bands for red, green and blue), "stretch" (reflectances that are shown black and white) and
        "masked" (the clouded share of pixels with data, percent; None without a mask).

    Raises:
        ProductUnreadable: The input is no product that can be opened.
        RasterUnreadable: One of its files is damaged.
        InvalidParameter: The resolution or the output's name is impossible.
        OutputNotWritable: The output cannot be written.
        DiskFull: The disk is full.
    """
    progress.update(0.0, "Reading the product's metadata")
    product = find_product(job.input, job.resolution)
    progress.log(f"Product: {product.title}, taken {product.date}.")
    if product.files.packed:
        progress.log(
            "The band files in this archive are compressed, so they are decompressed each time they are read. Maps are "
            "faster from the unpacked product."
        )
    progress.update(0.1, "Opening the band files")
    sources = _opened(product)
    grid = _common_grid(sources, job.resolution)
    output = Path(job.output)
    mask, masked, staged_mask = None, None, None
    with StagedOutputs([job.input, *(source.path for source in sources)]) as outputs:
        staged = outputs.stage(job.output, VIRTUAL)
        if job.mask_clouds and product.quality is not None:
            beside = output.with_name(f"{output.stem}{MASK_ENDING}")
            staged_mask = outputs.stage(str(beside), GEOTIFF)
            shape, masked = _mask_clouds(product, product.quality, grid, staged_mask, progress)
            mask = Mask(beside.name, shape)
        elif job.mask_clouds:
            progress.warning(product.lacking)
        progress.update(0.8, "Computing the colour stretch")
        stretch = stretch_of(product, sources, staged_mask)
        text = virtual_raster(product, sources, grid, mask, Path(output).absolute().parent)
        try:
            staged.write_text(text, encoding="utf-8")
        except OSError as error:
            raise write_error(staged, error) from error
        progress.check()
    names = [source.band.name for source in sources]
    progress.log(
        f"{len(names)} bands on a grid of {grid.width} x {grid.height} pixels of {grid.resolution[0]:g} m: "
        f"{', '.join(names)}."
    )
    progress.update(1.0, "Done")
    return {
        "outputs": {
            "output": str(output),
            "mask": str(output.with_name(mask.name)) if mask else "",
        },
        "title": product.title,
        "date": product.date,
        "bands": names,
        "natural": [place + 1 for place in product.natural],
        "stretch": stretch,
        "masked": masked,
    }


def _mask_clouds(
    product: Product, layer: QualityLayer, grid: Grid, path: Path, progress: Progress
) -> tuple[tuple[int, int], float]:
    """Writes the mask, and tells how much is masked; see `write_mask`. The share is in percent."""
    progress.update(0.3, "Masking clouds")
    shape, share = write_mask(product, layer, grid, path, progress.part(0.3, 0.8))
    masked = round(100 * share, 1)
    progress.log(
        f"{masked:g} % of the scene is masked as clouds or shadows, according to the product's {layer.name}."
    )
    return shape, masked


def _opened(product: Product) -> list[Source]:
    """Opens every band file.

    Raises:
        RasterUnreadable: One is damaged.
        GeoreferenceMissing: One has no place.
    """
    sources = []
    for band in product.bands:
        path = product.files.place(band.file)
        with open_raster(path) as dataset:
            sources.append(Source(band, path, grid_of(dataset, path), dataset.dtypes[0]))
    return sources


def _common_grid(sources: list[Source], resolution: float) -> Grid:
    """The grid of the virtual raster: the finest of its files, or one of the wanted resolution over the same ground.

    Raises:
        ProductUnreadable: The files do not cover the same ground.
        InvalidParameter: The resolution makes no raster.
    """
    finest = max((source.grid for source in sources), key=lambda grid: grid.width)
    for source in sources:
        apart = np.abs(np.subtract(source.grid.bounds, finest.bounds)).max()
        if source.grid.crs != finest.crs or apart > max(source.grid.resolution) / 2:
            raise ProductUnreadable(
                f"The files of the product do not cover the same ground: '{source.band.file}' differs from the others. "
                "Files of several products may be mixed in one folder: download the product again into a folder of its "
                "own."
            )
    if not resolution or math.isclose(resolution, finest.resolution[0]):
        return finest
    across, down = (
        size / resolution
        for size in (finest.width * finest.resolution[0], finest.height * finest.resolution[1])
    )
    columns, rows = round(across), round(down)
    if not 1 <= min(rows, columns) <= max(rows, columns) <= _LARGEST:
        raise InvalidParameter(
            f"With pixels of {resolution:g} m, the product of {finest.width} x {finest.height} pixels would have "
            f"{across:.0f} x {down:.0f}. Give a resolution near its own, {finest.resolution[0]:g} m, or 0 for that."
        )
    scale = Affine.scale(finest.width / columns, finest.height / rows)
    return Grid(finest.crs, finest.transform @ scale, columns, rows)

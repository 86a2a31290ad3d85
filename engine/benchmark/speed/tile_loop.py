"""The baseline: a loop over tiles as in common plugins.

One tile at a time is read and predicted by ONNX Runtime in float32 with its default threads; its middle is copied to an
array of the whole raster, which is written at the end. Model, overlap and scaling are the product's.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import rasterio
from rasterio.windows import Window

from ...cards import Card
from ...data.source import RasterSource
from ...infer.windows import SlidingWindows, overlap_pixels


def map_by_tiles(raster: Path, model: Path, card: Card, output: Path, overlap: int) -> float:
    """Maps a raster.

    Args:
        raster: Raster to map.
        model: An .onnx file with the inputs image, valid and groups, or some of them.
        card: Its card.
        output: Class map to write.
        overlap: Overlap of neighbouring tiles, percent of their side.

    Returns:
        Number of pixels that were computed in addition to the raster's own, as a share of these, for the record.
    """
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    inputs = {item.name for item in session.get_inputs()}
    values = np.array([item.value for item in card.classes], np.uint8)
    side, shared = card.window, overlap_pixels(card.window, overlap)
    with RasterSource.open(str(raster), card) as source:
        grid = source.grid
        classes = np.full(grid.shape, card.nodata, np.uint8)
        groups = np.array(source.groups, np.int64)
        windows = SlidingWindows(grid.height, grid.width, side, shared)
        for window in windows:
            image, valid = source.read(window)
            feeds = {
                "image": image[None],
                "valid": valid[None, None].astype(np.float32),
                "groups": groups,
            }
            (scores,) = session.run(
                ["probabilities"], {name: feeds[name] for name in feeds if name in inputs}
            )
            best = np.where(valid, values[scores[0].argmax(0)], card.nodata)
            _put_middle(classes, best, window, shared // 2)
    with rasterio.open(
        output,
        "w",
        driver="GTiff",
        height=grid.height,
        width=grid.width,
        count=1,
        dtype="uint8",
        crs=grid.crs,
        transform=grid.transform,
        compress="deflate",
    ) as dataset:
        dataset.write(classes, 1)
    return len(windows) * side * side / (grid.height * grid.width) - 1


def _put_middle(classes: np.ndarray, best: np.ndarray, window: Window, margin: int) -> None:
    """Copies a tile without its margin, except at the border of the raster."""
    height, width = classes.shape
    top, left = window.row_off, window.col_off
    first_row = margin if top > 0 else 0
    first_column = margin if left > 0 else 0
    rows = min(best.shape[0], height - top) - (margin if top + best.shape[0] < height else 0)
    columns = min(best.shape[1], width - left) - (margin if left + best.shape[1] < width else 0)
    classes[top + first_row : top + rows, left + first_column : left + columns] = best[
        first_row:rows, first_column:columns
    ]

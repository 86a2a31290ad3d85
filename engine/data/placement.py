"""Resamples a raster onto another raster's grid, window by window.

Values and validity are warped together from arrays, so that every kind of no-data (value, NaN,
mask, alpha, zeros) is treated alike: an invalid pixel neither bleeds into its neighbours nor
becomes valid. GDAL's virtual warping guarantees this for a single no-data value only.
"""

from __future__ import annotations

import math

import numpy as np
from affine import Affine
from rasterio.enums import Resampling
from rasterio.errors import RasterioError
from rasterio.warp import reproject
from rasterio.windows import Window

from .grid import Box, Grid

_MARGIN = 3  # source pixels around a window, for the resampling kernel
_FINE = 16  # a source at least this much finer than the grid is decimated while reading,
_SAMPLES = 8  # to this many of its pixels along the side of a pixel of the grid


class Placement:
    """The position of a raster's pixels on another grid.

    Attributes:
        own: The raster's own grid, shifted by 360 degrees if the antimeridian lies between the two.
        grid: The target grid.
        shift: Columns and rows between the grids if their pixels coincide, else None.
        ratio: Number of the raster's own pixels along the side of a pixel of the grid.
    """

    def __init__(self, own: Grid, grid: Grid) -> None:
        """Compares the grids."""
        self.own, self.grid = own.beside(grid), grid
        self.shift = (0, 0) if own is grid else grid.aligned(self.own)
        self._ground = None if self.shift is not None else self.own.ground(grid.crs)
        self.ratio = 1.0 if self.shift is not None else self._ratio()

    def overlaps(self) -> bool:
        """Whether the two grids overlap."""
        return self.source_window(self.grid.window) is not None

    def source_window(self, window: Window) -> Window | None:
        """Window of the raster's own pixels that a window of the grid needs; None if they do not overlap."""
        bounds = self.grid.window_bounds(window)
        box: Box | None = tuple(bounds)
        if self.grid.crs != self.own.crs:
            try:
                box = self.own.brought(bounds, self.grid.crs, self._ground)
            except RasterioError:  # no point of the window can be transformed
                return None
        if box is None or not all(map(math.isfinite, box)):
            return None
        corners = [self.own.column_row(x, y) for x in (box[0], box[2]) for y in (box[1], box[3])]
        columns, rows = zip(*corners)
        left, right = math.floor(min(columns)), math.ceil(max(columns))
        top, bottom = math.floor(min(rows)), math.ceil(max(rows))
        touching = self.own.clip(Window(left, top, right - left, bottom - top))
        if touching.width < 1 or touching.height < 1:
            return None
        margin = _MARGIN * max(1, math.ceil(self.ratio))
        return self.own.clip(
            Window(
                left - margin, top - margin, right - left + 2 * margin, bottom - top + 2 * margin
            )
        )

    def _ratio(self) -> float:
        """Number of the raster's own pixels along the side of a pixel of the grid."""
        try:
            own = self._middle_area(self.own)
            return math.sqrt(self._middle_area(self.grid) / own) if own > 0 else 1.0
        except (ValueError, ArithmeticError):
            return 1.0

    @staticmethod
    def _middle_area(grid: Grid) -> float:
        return float(grid.pixel_area(Window(grid.width // 2, grid.height // 2, 1, 1))[0, 0])

    def reading_shape(self, own: Window) -> tuple[int, int] | None:
        """Shape to read a source window in, decimated if the source is much finer; None for full resolution."""
        factor = int(self.ratio / _SAMPLES) if self.ratio >= _FINE else 1
        if factor == 1:
            return None
        return math.ceil(own.height / factor), math.ceil(own.width / factor)

    def warp(
        self, values: np.ndarray, valid: np.ndarray, own: Window, part: Window
    ) -> tuple[np.ndarray, np.ndarray]:
        """Resamples a source window onto a window of the grid.

        Args:
            values: Values in `own`, float32 [bands, rows, columns]; may be changed.
            valid: Valid pixels in `own`, bool [rows, columns].
            own: Window of the raster's own pixels, which may have been read decimated.
            part: Window of the grid.

        Returns:
            Values float32 [bands, h, w] and valid pixels bool [h, w] in `part`.
        """
        shape = (int(part.height), int(part.width))
        transform = self.own.window_transform(own)
        if valid.shape != (own.height, own.width):
            wide, tall = own.width / valid.shape[1], own.height / valid.shape[0]
            t = transform
            transform = Affine(t.a * wide, t.b * tall, t.c, t.d * wide, t.e * tall, t.f)
        to = {
            "src_transform": transform,
            "src_crs": self.own.crs,
            "dst_transform": self.grid.window_transform(part),
            "dst_crs": self.grid.crs,
        }
        warped = np.full((len(values), *shape), np.nan, np.float32)
        if valid.all():  # GDAL is a third faster without no-data; pixels it does not reach stay NaN
            reproject(values, warped, resampling=Resampling.bilinear, init_dest_nodata=False, **to)
            return warped, np.asarray(np.isfinite(warped).all(axis=0))
        values[:, ~valid] = np.nan
        reproject(
            values,
            warped,
            src_nodata=np.nan,
            dst_nodata=np.nan,
            resampling=Resampling.bilinear,
            **to,
        )
        near = np.zeros(shape, np.uint8)
        reproject(valid.astype(np.uint8), near, resampling=Resampling.nearest, **to)
        return warped, np.asarray((near > 0) & np.isfinite(warped).all(axis=0))

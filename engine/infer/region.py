"""The part of a raster to compute: an extent, polygons, or both."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import rasterio.features
import shapely
from numpy.typing import NDArray
from rasterio.windows import Window

from ..data.grid import Grid
from ..data.opening import parse_crs
from ..data.vectors import read_polygons
from ..errors import EmptyArea

Mask = NDArray[np.bool_]


class Region:
    """The pixels of a grid that are to be computed.

    Attributes:
        bounds: Smallest window that contains them all.
    """

    def __init__(self, grid: Grid, bounds: Window, polygons: NDArray[Any] | None = None) -> None:
        """Cuts polygons to the bounds.

        Args:
            grid: The raster's grid.
            bounds: Window inside the raster, of the extent.
            polygons: shapely polygons in the raster's CRS [n]; None = all of the bounds.

        Raises:
            EmptyArea: The polygons leave no pixel of the bounds.
        """
        self._grid = grid
        self.bounds = bounds
        self._polygons: Any = None
        if polygons is None:
            return
        frame = shapely.box(*grid.window_bounds(bounds))
        inside = _polygonal(shapely.intersection(shapely.union_all(polygons), frame))
        if inside.is_empty:
            raise EmptyArea(
                f"The mask does not intersect the area to process ({_told(frame)} in {grid.crs.to_string()[:40]}); "
                f"its polygons lie in {_told(shapely.union_all(polygons))}. Choose another mask, or check its CRS."
            )
        self._polygons = inside
        shapely.prepare(self._polygons)
        left, bottom, right, top = map(float, inside.bounds)
        self.bounds = _intersection(bounds, grid.window_of((left, bottom, right, top)))
        if not self._holds_a_pixel():
            raise EmptyArea(
                "The mask is too small: it contains no pixel centre. Choose a larger mask."
            )

    def mask(self, window: Window) -> Mask:
        """The region's pixels in a window: those whose centre lies inside, bool [rows, columns]."""
        inside = np.zeros((window.height, window.width), bool)
        top, left = self.bounds.row_off - window.row_off, self.bounds.col_off - window.col_off
        inside[
            max(0, top) : max(0, top + self.bounds.height),
            max(0, left) : max(0, left + self.bounds.width),
        ] = True
        if self._polygons is None or not inside.any():
            return inside
        box = shapely.box(*self._grid.window_bounds(window))
        if self._polygons.contains(box):
            return inside
        if not self._polygons.intersects(box):
            return np.zeros_like(inside)
        # Polygons are clipped near the window for speed, with a margin so that no pixel centre is lost.
        margin = 2 * max(self._grid.resolution)
        near = _polygonal(shapely.clip_by_rect(self._polygons, *shapely.buffer(box, margin).bounds))
        if near.is_empty:
            return np.zeros_like(inside)
        drawn = rasterio.features.rasterize(
            [near],
            out_shape=inside.shape,
            transform=self._grid.window_transform(window),
            dtype="uint8",
        )
        return inside & (drawn > 0)

    def touches(
        self, tops: NDArray[np.int64], lefts: NDArray[np.int64], size: int
    ) -> NDArray[np.bool_]:
        """Which squares share ground with the region, by their first rows [n] and columns [n].

        Faster than `mask`, but true also for a few squares that hold no pixel of the region.
        """
        if self._polygons is None:
            return np.ones(len(tops), bool)
        corners = [
            self._grid.xy(lefts + right, tops + down)
            for right, down in ((0, 0), (size, 0), (size, size), (0, size))
        ]
        squares = shapely.polygons(np.moveaxis(np.array(corners, float), 2, 0))  # [n]
        touched: NDArray[np.bool_] = shapely.intersects(self._polygons, squares)
        return touched

    def digest(self) -> str:
        """A digest of the region, the same however it was specified."""
        bounds = self.bounds
        told = f"{bounds.col_off} {bounds.row_off} {bounds.width} {bounds.height}"
        shape = b"" if self._polygons is None else shapely.to_wkb(self._polygons)
        return f"{told} {hashlib.sha256(shape).hexdigest()}"

    def _holds_a_pixel(self) -> bool:
        rows = 512
        for top in range(self.bounds.row_off, self.bounds.row_off + self.bounds.height, rows):
            strip = Window(self.bounds.col_off, top, self.bounds.width, rows)
            if self.mask(_intersection(strip, self.bounds)).any():
                return True
        return False


def _polygonal(shape: Any) -> Any:
    """The polygons of a shape, without lines and points where it only touches a frame: these would be rasterised."""
    parts = shapely.get_parts(shape)
    return shapely.union_all(parts[shapely.get_dimensions(parts) == 2])


def _intersection(one: Window, other: Window) -> Window:
    left, top = max(one.col_off, other.col_off), max(one.row_off, other.row_off)
    right = min(one.col_off + one.width, other.col_off + other.width)
    bottom = min(one.row_off + one.height, other.row_off + other.height)
    return Window(left, top, max(0, right - left), max(0, bottom - top))


def _told(shape: Any) -> str:
    return "({})".format(", ".join(f"{value:.6g}" for value in shape.bounds))


def open_region(grid: Grid, extent: tuple[float, ...] | None, extent_crs: str, mask: str) -> Region:
    """The region that a job asks for.

    Args:
        grid: The raster's grid.
        extent: (xmin, ymin, xmax, ymax); None = all of the raster.
        extent_crs: CRS of the extent; empty = the raster's.
        mask: Vector file with polygons; empty = none.

    Raises:
        EmptyArea: Extent or mask miss the raster or each other.
        InvalidParameter: The extent or its CRS is not valid.
        VectorUnreadable: The mask cannot be read.
    """
    bounds = grid.window
    if extent is not None:
        west, south, east, north = extent
        crs = parse_crs(extent_crs) if extent_crs else None
        bounds = grid.window_of((west, south, east, north), crs)
    polygons = read_polygons(mask, grid).geometries if mask else None
    return Region(grid, bounds, polygons)

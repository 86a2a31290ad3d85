"""A raster's grid: its georeference, and the true ground area of its pixels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import pyproj
from affine import Affine
from rasterio.coords import BoundingBox
from rasterio.crs import CRS
from rasterio.errors import RasterioError
from rasterio.warp import transform_bounds
from rasterio.windows import Window

from ..errors import EmptyArea, InvalidParameter

_LATTICE_M = 8_000.0  # spacing of the points at which pixel areas are computed, metres
_WIDER = 0.01  # relative margin of reprojected bounds, as curved edges may bulge between points
_TURNS = (-360, 0, 360)  # degrees: the same longitude may be written in several ways
_STEP_M = 50.0  # half the distance over which the local scale is measured, metres

Box = tuple[float, float, float, float]  # xmin, ymin, xmax, ymax


@dataclass(frozen=True)
class Grid:
    """Pixels on a map: reference system, affine transform and size.

    Attributes:
        crs: Coordinate reference system.
        transform: (column, row) to map coordinates; may be rotated or south-up.
        width: Columns.
        height: Rows.
    """

    crs: CRS
    transform: Affine
    width: int
    height: int

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self.height, self.width

    @property
    def window(self) -> Window:
        """The window of the whole raster."""
        return Window(0, 0, self.width, self.height)

    @property
    def resolution(self) -> tuple[float, float]:
        """Width and height of a pixel in CRS units, both positive."""
        t = self.transform
        return math.hypot(t.a, t.d), math.hypot(t.b, t.e)

    @property
    def bounds(self) -> BoundingBox:
        """Map bounds of the whole raster."""
        return self.window_bounds(self.window)

    def xy(self, column: Any, row: Any) -> tuple[Any, Any]:
        """Map coordinates of positions in pixels; (0, 0) is the first pixel's upper left corner."""
        t = self.transform
        return t.a * column + t.b * row + t.c, t.d * column + t.e * row + t.f

    def column_row(self, x: Any, y: Any) -> tuple[Any, Any]:
        """Pixel position of map coordinates; the inverse of `xy`."""
        t = ~self.transform
        return t.a * x + t.b * y + t.c, t.d * x + t.e * y + t.f

    def window_transform(self, window: Window) -> Affine:
        """The affine transform of a window's own pixels."""
        t = self.transform
        left, top = self.xy(window.col_off, window.row_off)
        return Affine(t.a, t.b, left, t.d, t.e, top)

    def corners(self, window: Window) -> list[tuple[float, float]]:
        """Map coordinates of a window's corners, in order around it."""
        left, top = window.col_off, window.row_off
        right, bottom = left + window.width, top + window.height
        around = ((left, top), (right, top), (right, bottom), (left, bottom))
        return [self.xy(column, row) for column, row in around]

    def window_bounds(self, window: Window) -> BoundingBox:
        """Map bounds of a window; for a rotated grid, the box around it."""
        xs, ys = zip(*self.corners(window))
        return BoundingBox(min(xs), min(ys), max(xs), max(ys))

    def clip(self, window: Window) -> Window:
        """The part of a window inside the raster; may have no pixels."""
        left = min(max(int(window.col_off), 0), self.width)
        top = min(max(int(window.row_off), 0), self.height)
        right = min(max(int(window.col_off + window.width), left), self.width)
        bottom = min(max(int(window.row_off + window.height), top), self.height)
        return Window(left, top, right - left, bottom - top)

    def window_of(
        self, extent: tuple[float, float, float, float], crs: CRS | None = None
    ) -> Window:
        """The smallest window of whole pixels that covers an extent, clipped to the raster.

        Args:
            extent: (xmin, ymin, xmax, ymax).
            crs: CRS of the extent; None is the raster's own.

        Raises:
            InvalidParameter: The extent has no area.
            EmptyArea: The extent does not intersect the raster.
        """
        if not all(map(math.isfinite, extent)) or extent[0] >= extent[2] or extent[1] >= extent[3]:
            raise InvalidParameter(
                f"The extent {_told(extent)} has no area: xmin must be smaller than xmax, and ymin smaller than ymax. "
                "Draw it again, or leave it empty to process the whole raster."
            )
        if crs is None or crs == self.crs:
            box = cut(extent, self.bounds, _turns(self.crs))
        else:
            try:
                box = self.brought(extent, crs, self.ground(crs))
            except Exception as error:  # rasterio wraps PROJ's errors in several private classes
                raise EmptyArea(
                    f"The extent {_told(extent)} cannot be transformed to the raster's CRS "
                    f"({self.crs.to_string()[:40]}). Specify it in the raster's CRS.",
                    details=str(error),
                ) from error
        window = None if box is None else self._pixels_of(box)
        if window is None or window.width < 1 or window.height < 1:
            raise EmptyArea(
                f"The extent {_told(extent)} does not intersect the raster, whose bounds are {_told(self.bounds)} in "
                f"{self.crs.to_string()[:40]}. Choose an extent within the raster, or check the CRS of the extent."
            )
        return window

    def _pixels_of(self, box: Box) -> Window:
        corners = [self.column_row(x, y) for x in (box[0], box[2]) for y in (box[1], box[3])]
        columns, rows = zip(*corners)
        fuzz = 1e-6  # an extent that ends on a pixel's edge does not take the next pixel
        left, top = math.floor(min(columns) + fuzz), math.floor(min(rows) + fuzz)
        right, bottom = math.ceil(max(columns) - fuzz), math.ceil(max(rows) - fuzz)
        return self.clip(Window(left, top, max(right - left, 0), max(bottom - top, 0)))

    def ground(self, crs: CRS) -> Box | None:
        """The raster's bounds in another CRS, with a small margin; None if they cannot be transformed."""
        try:
            left, bottom, right, top = _carried(self.bounds, self.crs, crs)
        except RasterioError:
            return None
        if not all(map(math.isfinite, (left, bottom, right, top))):
            return None
        margin = _WIDER * max(right - left, top - bottom)
        return left - margin, bottom - margin, right + margin, top + margin

    def brought(self, box: Sequence[float], crs: CRS, ground: Box | None) -> Box | None:
        """Intersects a box in another CRS with the raster; the result is in the raster's CRS, None if empty.

        The box is clipped to the raster's surroundings before the transformation, which may fail or be wrong far
        from the area of a CRS.

        Args:
            box: (xmin, ymin, xmax, ymax).
            crs: CRS of the box.
            ground: The raster's bounds in that CRS, from `ground`.

        Raises:
            RasterioError: The box cannot be transformed to the raster's CRS.
        """
        near: Sequence[float] | None = box if ground is None else cut(box, ground, _turns(crs))
        if near is None:
            return None
        return cut(_carried(near, crs, self.crs), self.bounds, _turns(self.crs))

    def aligned(self, other: Grid) -> tuple[int, int] | None:
        """Columns and rows by which `other` is shifted, if their pixels coincide; else None."""
        if self.crs != other.crs:
            return None
        size = (other.width, other.height)
        shifts = []
        for column, row in ((0, 0), (size[0], 0), (0, size[1]), size):
            here = self.column_row(*other.xy(column, row))
            shifts += [(here[0] - column, here[1] - row)]
        shift = (round(shifts[0][0]), round(shifts[0][1]))
        off = max(max(abs(c - shift[0]), abs(r - shift[1])) for c, r in shifts)
        return shift if off < 0.01 else None

    def beside(self, other: Grid) -> Grid:
        """This grid, shifted by 360 degrees if it meets another grid only then.

        Near the antimeridian one scene may lie at 180 degrees, and the next one of the same ground at -180.
        """
        if not self.crs.is_geographic or self.crs != other.crs:
            return self
        t = self.transform
        for turn in sorted(_TURNS, key=abs):
            turned = replace(self, transform=Affine(t.a, t.b, t.c + turn, t.d, t.e, t.f))
            if cut(turned.bounds, other.bounds, (0,)) is not None:
                return turned
        return self

    def pixel_area(self, window: Window) -> np.ndarray:
        """True area of each pixel on the ellipsoid.

        The local scale (ground area of one pixel) is measured at the points of a coarse lattice, in
        geodetic coordinates of the CRS, and interpolated. So it works for every CRS, geographic or
        projected, and for rotated grids.

        Returns:
            float64 [rows, columns], square metres.
        """
        rows, columns = int(window.height), int(window.width)
        top, left = int(window.row_off), int(window.col_off)
        metres = self._metres()
        at_rows = _lattice(top, rows, metres)
        at_columns = _lattice(left, columns, metres)
        area = self._local_area(at_columns[None, :], at_rows[:, None], metres)  # [R, C]
        centres = left + 0.5 + np.arange(columns)
        by_column = np.stack([np.interp(centres, at_columns, line) for line in area])  # [R, w]
        place = np.interp(
            top + 0.5 + np.arange(rows), at_rows, np.arange(len(at_rows))
        )  # lattice row, fractional
        low = np.minimum(place.astype(int), max(len(at_rows) - 2, 0))
        high = np.minimum(low + 1, len(at_rows) - 1)
        share = (place - low)[:, None]
        area = by_column[low]
        area += share * (by_column[high] - area)  # [h, w]
        return area

    def _metres(self) -> float:
        """Rough size of a pixel on the ground."""
        unit = 111_320.0 if self.crs.is_geographic else _linear_unit(self.crs)
        return max(min(self.resolution) * unit, 1e-6)

    def _local_area(self, columns: np.ndarray, rows: np.ndarray, metres: float) -> np.ndarray:
        """Ground area of one pixel around each position, by central differences."""
        to_geodetic, semi_major, squared = _geodetic(self.crs.to_wkt())
        if to_geodetic is None:  # an engineering CRS is a plane without an ellipsoid
            area = abs(self.transform.determinant) * _linear_unit(self.crs) ** 2
            return np.full(np.broadcast_shapes(columns.shape, rows.shape), area)
        step = max(0.5, _STEP_M / metres)
        columns, rows = np.broadcast_arrays(columns, rows)
        sides = []
        for right, down in ((-step, 0), (step, 0), (0, -step), (0, step)):
            x, y = self.xy(columns + right, rows + down)
            longitude, latitude = to_geodetic.transform(x, y)
            sides.append(_earth_centred(longitude, latitude, semi_major, squared))
        left, right_side, upper, lower = sides  # each [..., 3], metres
        # Area of the parallelogram that they span, in space, so that poles and antimeridian need no special case.
        area = np.linalg.norm(np.cross(right_side - left, lower - upper), axis=-1)
        area = area / (2 * step) ** 2
        return np.where(np.isfinite(area), area, 0.0)  # 0 outside the projection's domain


def cut(box: Sequence[float], frame: Sequence[float], turns: Sequence[int]) -> Box | None:
    """The part of a box inside a frame; None if empty.

    Args:
        box: (xmin, ymin, xmax, ymax).
        frame: (xmin, ymin, xmax, ymax).
        turns: Shifts of the box in longitude, degrees; the result covers the intersections at all of them.
    """
    bottom, top = max(box[1], frame[1]), min(box[3], frame[3])
    spans = [(max(box[0] + turn, frame[0]), min(box[2] + turn, frame[2])) for turn in turns]
    spans = [(left, right) for left, right in spans if left < right]
    if not spans or not bottom < top:
        return None
    lefts, rights = zip(*spans)
    return min(lefts), bottom, max(rights), top


def _turns(crs: CRS) -> tuple[int, ...]:
    return _TURNS if crs.is_geographic else (0,)


def _carried(box: Sequence[float], crs: CRS, to: CRS) -> Box:
    """Transforms a box to another CRS; across the antimeridian its right end lies beyond 180 degrees."""
    left, bottom, right, top = transform_bounds(crs, to, *box, densify_pts=21)
    if to.is_geographic and right < left:
        right += 360
    return left, bottom, right, top


def _earth_centred(
    longitude: np.ndarray, latitude: np.ndarray, semi_major: float, squared: float
) -> np.ndarray:
    """Earth-centred coordinates of points on the ellipsoid, metres [..., 3], from degrees."""
    with np.errstate(invalid="ignore"):
        turn, tilt = np.radians(longitude), np.radians(latitude)
        across = semi_major / np.sqrt(1 - squared * np.sin(tilt) ** 2)
        flat = across * np.cos(tilt)
        height = across * (1 - squared) * np.sin(tilt)
        return np.stack([flat * np.cos(turn), flat * np.sin(turn), height], axis=-1)


def _lattice(start: int, size: int, metres: float) -> np.ndarray:
    """Positions over `size` pixels from `start`, dense enough for linear interpolation."""
    count = min(max(math.ceil(size * metres / _LATTICE_M), 1), max(size, 1)) + 1
    return np.linspace(start, start + size, count)


@lru_cache(maxsize=8)
def _geodetic(wkt: str) -> tuple[pyproj.Transformer | None, float, float]:
    """Transformer to geodetic longitude and latitude in degrees, semi-major axis, e squared."""
    crs = pyproj.CRS.from_wkt(wkt).to_2d()
    geodetic = crs.geodetic_crs
    if geodetic is None or geodetic.ellipsoid is None or geodetic.datum is None:
        return None, 0.0, 0.0
    ellipsoid = geodetic.ellipsoid
    axis, minor = ellipsoid.semi_major_metre, ellipsoid.semi_minor_metre
    degrees = pyproj.CRS.from_json_dict(
        {
            "type": "GeographicCRS",
            "name": geodetic.name,
            "datum": geodetic.datum.to_json_dict(),
            "coordinate_system": _LON_LAT,
        }
    )
    transformer = pyproj.Transformer.from_crs(crs, degrees, always_xy=True)
    return transformer, axis, 1 - (minor / axis) ** 2


_LON_LAT = {
    "subtype": "ellipsoidal",
    "axis": [
        {"name": "Longitude", "abbreviation": "lon", "direction": "east", "unit": "degree"},
        {"name": "Latitude", "abbreviation": "lat", "direction": "north", "unit": "degree"},
    ],
}


def _linear_unit(crs: CRS) -> float:
    """Metres per unit of a projected CRS; 1 if unknown."""
    try:
        return float(crs.linear_units_factor[1])
    except Exception:  # rasterio raises CRSError for a CRS without linear units
        return 1.0


def _told(extent: tuple[float, float, float, float] | BoundingBox) -> str:
    return "({})".format(", ".join(f"{value:.6g}" for value in extent))

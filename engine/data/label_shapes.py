"""Rasterises labelled polygons and points tile by tile, and finds pixels with contradicting classes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import rasterio.features
import shapely
from numpy.typing import NDArray

from .grid import Grid
from .label_draw import Columns
from .vectors import POINTS

TILE = 256  # side of a tile that is rasterised at once, pixels
PAIRS = 3  # pairs of contradicting features to report
_FREE = -1
_VERTICES = 500  # shapes with more vertices are clipped to a tile before they are rasterised

Box = tuple[int, int, int, int]  # left, top, right, bottom in pixels


class ShapePixels:
    """Labelled pixels of polygons and points.

    A polygon labels the pixels whose centres lie in it. If there are none, it labels the pixel
    under a point inside it, unless that belongs to another polygon. A point labels the pixel that
    it lies in.

    Attributes:
        contested: Number of pixels in features of different classes; complete after iteration.
        pairs: Indices of up to three such pairs of features.
    """

    def __init__(self, shapes: NDArray[Any], labels: Sequence[int], grid: Grid) -> None:
        """Finds the tiles of each shape.

        Args:
            shapes: shapely polygons and points in the grid's CRS [n].
            labels: Class index of each [n].
            grid: Grid of the pixels.
        """
        self._shapes = shapely.transform(
            shapes, lambda xy: np.column_stack(grid.column_row(xy[:, 0], xy[:, 1]))
        )
        self._labels = labels
        self._points = np.isin(shapely.get_type_id(self._shapes), POINTS)
        self._size = (grid.width, grid.height)
        low = np.floor(shapely.bounds(self._shapes)[:, :2])
        high = np.maximum(np.ceil(shapely.bounds(self._shapes)[:, 2:]), low + 1)
        low, high = np.clip(low, 0, self._size), np.clip(high, 0, self._size)
        self._boxes: list[Box] = [
            (int(left), int(top), int(right), int(bottom))
            for (left, top), (right, bottom) in zip(low, high)
        ]
        self._hold_a_centre: dict[int, bool] = {}
        self.contested = 0
        self.pairs: list[tuple[int, int]] = []

    def __iter__(self) -> Iterator[Columns]:
        """Yields row, column, label and index of the feature of the uncontested pixels of each tile."""
        touching: dict[tuple[int, int], list[int]] = defaultdict(list)
        for place, box in enumerate(self._boxes):
            for tile in _tiles(box):
                touching[tile].append(place)
        for (row, column), places in sorted(touching.items()):
            boxes = np.array([self._boxes[place] for place in places])
            low, high = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
            around = (int(low[0]), int(low[1]), int(high[0]), int(high[1]))
            yield self._draw(_common(_frame(row, column, self._size), around), places)

    def _draw(self, tile: Box, places: list[int]) -> Columns:
        left, top, right, bottom = tile
        owner = np.full((bottom - top, right - left), _FREE, np.int32)  # indices of features
        label = np.full(owner.shape, _FREE, np.int16)
        contested = np.zeros(owner.shape, bool)
        pins: list[tuple[int, Box]] = []
        for place in places:
            box = _common(self._boxes[place], tile)
            mask = self._mask(place, box)
            if mask.any():
                self._claim(place, mask, _within(box, tile), owner, label, contested)
            elif not self._points[place] and not self._has_a_centre(place):
                pin = self._pin(place)
                pins += [(place, pin)] if _common(pin, tile) == pin else []
        claimed = label != _FREE
        for place, pin in pins:
            where = _within(pin, tile)
            if not claimed[where].any():
                self._claim(place, np.ones((1, 1), bool), where, owner, label, contested)
        self.contested += int(contested.sum())
        rows, columns = np.nonzero((label != _FREE) & ~contested)
        return (
            rows + top,
            columns + left,
            label[rows, columns].astype(np.uint8),
            owner[rows, columns],
        )

    def _claim(
        self,
        place: int,
        mask: NDArray[np.bool_],
        where: tuple[slice, slice],
        owner: NDArray[np.int32],
        label: NDArray[np.int16],
        contested: NDArray[np.bool_],
    ) -> None:
        """Assigns free pixels to a feature; pixels of another class become contested."""
        own = self._labels[place]
        clash = mask & (label[where] != _FREE) & (label[where] != own)
        if clash.any():
            contested[where] |= clash
            for other in np.unique(owner[where][clash])[:PAIRS]:
                pair = (int(other), place)
                if len(self.pairs) < PAIRS and pair not in self.pairs:
                    self.pairs.append(pair)
        free = mask & (label[where] == _FREE)
        owner[where][free] = place
        label[where][free] = own

    def _mask(self, place: int, box: Box) -> NDArray[np.bool_]:
        """The feature's pixels in a box [rows, columns]."""
        left, top, right, bottom = box
        mask = np.zeros((bottom - top, right - left), bool)
        shape = self._shapes[place]
        if self._points[place]:
            columns, rows = np.floor(shapely.get_coordinates(shape)).astype(np.int64).T
            inside = (columns >= left) & (columns < right) & (rows >= top) & (rows < bottom)
            mask[rows[inside] - top, columns[inside] - left] = True
            return mask
        if box != self._boxes[place] and shapely.get_num_coordinates(shape) > _VERTICES:
            # Clip with a margin of one pixel, so that the clipping loses no pixel centre.
            frame = shapely.box(left - 1, top - 1, right + 1, bottom + 1)
            with suppress(shapely.GEOSException):  # rounding made edges that nearly touch cross
                shape = shapely.intersection(shape, frame)
        parts = shapely.get_parts(shape)
        parts = parts[(shapely.get_dimensions(parts) == 2) & ~shapely.is_empty(parts)]
        if not len(parts) or not mask.size:
            return mask
        moved = shapely.transform(shapely.multipolygons(parts), lambda xy: xy - (left, top))
        return rasterio.features.rasterize([moved], out_shape=mask.shape, dtype="uint8") > 0

    def _has_a_centre(self, place: int) -> bool:
        """Whether a polygon contains the centre of any pixel of the raster."""
        if place not in self._hold_a_centre:
            box = self._boxes[place]
            frames = (_frame(row, column, self._size) for row, column in _tiles(box))
            self._hold_a_centre[place] = any(
                self._mask(place, _common(box, frame)).any() for frame in frames
            )
        return self._hold_a_centre[place]

    def _pin(self, place: int) -> Box:
        """The pixel under a point inside a polygon; may lie outside the raster."""
        point = shapely.point_on_surface(self._shapes[place])
        column, row = int(np.floor(point.x)), int(np.floor(point.y))
        return column, row, column + 1, row + 1


def _tiles(box: Box) -> Iterator[tuple[int, int]]:
    """Row and column of the tiles that intersect a box."""
    left, top, right, bottom = box
    if right <= left:
        return
    for row in range(top // TILE, -(-bottom // TILE)):
        for column in range(left // TILE, -(-right // TILE)):
            yield row, column


def _frame(row: int, column: int, size: tuple[int, int]) -> Box:
    left, top = column * TILE, row * TILE
    return left, top, min(left + TILE, size[0]), min(top + TILE, size[1])


def _common(one: Box, other: Box) -> Box:
    left, top = max(one[0], other[0]), max(one[1], other[1])
    return left, top, max(left, min(one[2], other[2])), max(top, min(one[3], other[3]))


def _within(box: Box, tile: Box) -> tuple[slice, slice]:
    left, top = tile[:2]
    return slice(box[1] - top, box[3] - top), slice(box[0] - left, box[2] - left)

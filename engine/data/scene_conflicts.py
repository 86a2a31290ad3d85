"""Finds scenes that are drawn twice at the same place with different classes."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from .grid import Grid
from .vectors import POINTS

_SAME = 0.9  # overlap, as a share of the larger polygon, from which two are the same place


def conflicting_pairs(
    shapes: NDArray[Any], label: NDArray[np.int64], grid: Grid
) -> NDArray[np.int64]:
    """Pairs of scenes that show the same place and have different classes.

    Polygons are at the same place if they cover nearly the same ground, points if they lie in the same pixel. Scenes
    that overlap less are not compared, as they may well have different classes.

    Args:
        shapes: shapely polygons and points in the grid's CRS [N].
        label: Class index of each [N].
        grid: The raster's grid.

    Returns:
        Indices of the two scenes of each pair [P, 2], the smaller first.
    """
    shapes, points = shapes.copy(), np.isin(shapely.get_type_id(shapes), POINTS)
    centres = shapely.centroid(shapes[points])
    column, row = grid.column_row(shapely.get_x(centres), shapely.get_y(centres))
    placed = shapely.points(*grid.xy(np.floor(column) + 0.5, np.floor(row) + 0.5))
    shapes[points] = placed
    one, two = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    differ = (one < two) & (label[one] != label[two]) & (points[one] == points[two])
    one, two = one[differ], two[differ]
    shared = shapely.area(shapely.intersection(shapes[one], shapes[two]))
    larger = np.maximum(shapely.area(shapes[one]), shapely.area(shapes[two]))
    pairs = np.stack([one, two], 1)[points[one] | (shared >= _SAME * larger)]
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]

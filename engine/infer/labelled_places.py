"""Which places are labelled already, by polygons, points or a class raster."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.vrt import WarpedVRT

from ..data.grid import Grid
from ..data.labels import has_layers
from ..data.opening import open_raster, readable
from ..data.vectors import POINTS, POLYGONS, read_features, split_source
from ..errors import EmptyArea
from .places import PlaceGrid

# Inset in pixels: a place that only shares an edge with a label does not overlap it.
_INSET = 0.01


class LabelledGround:
    """Tells which places overlap labels."""

    def __init__(self, path: str, grid: Grid, places: PlaceGrid, opened: ExitStack) -> None:
        """Reads the features, or opens the raster.

        Args:
            path: Vector file (`file|layername=NAME` chooses a layer) or class raster; empty for no labels.
            grid: The grid of the raster that is searched.
            places: The places on it.
            opened: Closes the raster.

        Raises:
            VectorUnreadable: Missing, damaged, or without polygons and points.
            RasterUnreadable: The class raster cannot be read.
        """
        self._path, self._grid, self._places = path, grid, places
        self._tree = shapely.STRtree([])
        self._raster: Any = None
        if not path:
            return
        if has_layers(split_source(path)[0]) or "|" in path:
            features = read_features(path, "labels", POLYGONS + POINTS, grid)
            try:
                self._tree = shapely.STRtree(features.on(grid)[0])
            except EmptyArea:  # all labels lie elsewhere, so nothing here is labelled
                return
        else:
            dataset = opened.enter_context(open_raster(path))
            alike = dataset.shape == grid.shape and not dataset.crs
            place = {}
            if alike and dataset.transform.is_identity:  # laid on the raster, as in training
                place = {"src_crs": grid.crs, "src_transform": grid.transform}
            self._raster = opened.enter_context(
                WarpedVRT(
                    dataset,
                    **place,
                    crs=grid.crs,
                    transform=grid.transform,
                    width=grid.width,
                    height=grid.height,
                    resampling=Resampling.nearest,
                    # Otherwise all ground beyond the class raster would count as labelled.
                    add_alpha=dataset.nodata is None,
                )
            )

    def row(self, row: int) -> NDArray[np.bool_]:
        """Which places of a row overlap labels [columns].

        Raises:
            RasterUnreadable: The class raster cannot be read there.
        """
        places = self._places
        labelled = np.zeros(places.columns, bool)
        if self._raster is not None:
            with readable(self._path):
                mask = self._raster.read_masks(1, window=places.strip(row))
            by_place = mask.reshape(places.down, places.columns, places.across)
            labelled = by_place.any(axis=(0, 2))
        elif len(self._tree):
            columns = np.arange(places.columns)
            squares = places.polygons(self._grid, np.full_like(columns, row), columns, _INSET)
            labelled[self._tree.query(squares, predicate="intersects")[0]] = True
        return labelled

"""Finds how a product is shown in natural colours: which reflectances are black and white."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..data.nodata import equals
from ..data.opening import open_raster, readable
from .content import Product
from .virtual_raster import Source

_SIDE = 320  # longest side of the picture that is looked at, pixels
_CUT = (2, 98)  # percentiles
_NARROWEST = 0.01  # reflectance between black and white
_USUAL = [0.0, 0.3]


def stretch_of(product: Product, sources: Sequence[Source], mask: Path | None) -> list[float]:
    """The reflectances that are shown black and white, the same for all three colours.

    Args:
        product: The product.
        sources: Its band files.
        mask: The mask of its clouds, which are not shown; None if there is none.

    Raises:
        RasterUnreadable: A file cannot be read.
    """
    shown = [sources[place] for place in product.natural]
    side = min(_SIDE, *(size for source in shown for size in source.grid.shape))
    values = np.stack([_looked_at(source.path, side) for source in shown])
    known = ~equals(values, product.nodata).any(axis=0)
    if mask is not None:
        clear = known & (_looked_at(str(mask), side) > 0)
        known = clear if clear.any() else known
    if not known.any():
        return _USUAL
    scales = np.array([source.band.scale for source in shown])[:, None]
    offsets = np.array([source.band.offset for source in shown])[:, None]
    black, white = np.percentile(values[:, known] * scales + offsets, _CUT)
    return [round(float(black), 4), round(max(float(white), float(black) + _NARROWEST), 4)]


def _looked_at(path: str, side: int) -> NDArray[np.number]:
    """The first band of a raster, decimated [side, side]."""
    with open_raster(path) as dataset, readable(path):
        values: NDArray[np.number] = dataset.read(1, out_shape=(side, side))
    return values

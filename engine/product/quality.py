"""The quality layers of products: which of their values are clouds, shadows or no data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Sentinel-2's SCL: saturated or defective, cloud shadow, cloud of medium and high probability, thin cirrus
_SCENE_CLASSES = (1, 3, 8, 9, 10)
_NO_CLASS = 0
_LANDSAT_BITS = 0b11110  # QA_PIXEL: dilated cloud, cirrus, cloud, cloud shadow
_LANDSAT_FILL = 0b1
_HLS_BITS = 0b1110  # Fmask: cloud, next to cloud or shadow, cloud shadow
_HLS_FILL = 255

Verdict = tuple[NDArray[np.bool_], NDArray[np.bool_]]  # clouded, without data; [rows, columns] each


@dataclass(frozen=True)
class QualityLayer:
    """A file of a product that tells clouds.

    Attributes:
        file: Its file in the product.
        name: What the file is called, for people.
        judge: Tells of its values [bands, rows, columns] what is clouded, and what has no data.
    """

    file: str
    name: str
    judge: Callable[[NDArray[np.integer]], Verdict]


def scene_classes(values: NDArray[np.integer]) -> Verdict:
    """Judges Sentinel-2's scene classification of Level-2A."""
    return np.isin(values[0], _SCENE_CLASSES), np.isin(values[0], _NO_CLASS)


def cloud_flags(values: NDArray[np.integer]) -> Verdict:
    """Judges Sentinel-2's cloud mask of Level-1C: bands of opaque clouds, cirrus, and snow, which is kept."""
    return np.asarray(values[:2].any(axis=0)), np.zeros(values.shape[1:], bool)


def landsat_bits(values: NDArray[np.integer]) -> Verdict:
    """Judges QA_PIXEL of Landsat Collection 2."""
    fill = _any_bit(values[0], _LANDSAT_FILL)
    return _any_bit(values[0], _LANDSAT_BITS) & ~fill, fill


def hls_bits(values: NDArray[np.integer]) -> Verdict:
    """Judges Fmask of HLS version 2."""
    fill = np.isin(values[0], _HLS_FILL)
    return _any_bit(values[0], _HLS_BITS) & ~fill, fill


def _any_bit(values: NDArray[np.integer], bits: int) -> NDArray[np.bool_]:
    """Where one of several bits is set."""
    return np.asarray(values & bits, bool)

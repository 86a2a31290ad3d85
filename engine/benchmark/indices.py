"""Normalised differences of Sentinel-2 bands, as analysts compute them."""

from __future__ import annotations

import numpy as np

BLUE, GREEN, RED, EDGE_1, EDGE_2, EDGE_3, NIR, SWIR_1, SWIR_2 = range(9)

# name -> (first band, second band) of (first - second) / (first + second)
PAIRS = {
    "NDVI": (NIR, RED),
    "NDWI": (GREEN, NIR),
    "MNDWI": (GREEN, SWIR_1),
    "NDBI": (SWIR_1, NIR),
    "NBR": (NIR, SWIR_2),
    "NDRE": (EDGE_3, EDGE_1),
    "red and blue": (RED, BLUE),
    "green and red": (GREEN, RED),
    "short waves": (SWIR_1, SWIR_2),
}


def normalised_difference(image: np.ndarray, name: str) -> np.ndarray:
    """Computes one of the indices in `PAIRS`.

    Args:
        image: Reflectance [..., 9, H, W].
        name: Key of `PAIRS`.

    Returns:
        The index [..., H, W], -1..1; 0 where both bands are 0.
    """
    plus, minus = (image[..., band, :, :] for band in PAIRS[name])
    # Water may have slightly negative reflectance, which would flip the sign of the ratio.
    total = np.maximum(plus + minus, 1e-3)
    return np.clip((plus - minus) / total, -1, 1)


def all_indices(image: np.ndarray) -> np.ndarray:
    """All indices [..., len(PAIRS), H, W] of reflectance [..., 9, H, W]."""
    return np.stack([normalised_difference(image, name) for name in PAIRS], axis=-3)

"""Pixel features as in common plugins: bands, indices, and local texture."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import uniform_filter

from .indices import all_indices

WINDOWS = (3, 7)


def pixel_features(
    image: np.ndarray, valid: np.ndarray, texture: bool, windows: tuple[int, ...] = WINDOWS
) -> np.ndarray:
    """Features of every pixel of a scene.

    Args:
        image: Reflectance float32 [9, H, W].
        valid: Valid pixels, bool [H, W]; others are excluded from their neighbours' texture.
        texture: Whether to add mean and standard deviation of all bands and indices in windows.
        windows: Sides of these windows, pixels.

    Returns:
        Features, float32 [H, W, F].
    """
    layers = np.concatenate([image, all_indices(image)]).astype(np.float32)
    features = [layers]
    for side in windows if texture else ():
        features.extend(local_moments(layers, valid, side))
    return np.ascontiguousarray(np.concatenate(features).transpose(1, 2, 0))


def local_moments(
    layers: np.ndarray, valid: np.ndarray, side: int
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation over the valid pixels of a square window.

    Args:
        layers: Values [C, H, W].
        valid: Valid pixels, bool [H, W].
        side: Side of the window, pixels; it is clipped at the border of the scene.

    Returns:
        Mean and standard deviation, float32 [C, H, W]; 0 where the window has no valid pixel.
    """
    share = uniform_filter(valid.astype(np.float64), side, mode="constant")
    share = np.where(share > 0.5 / side**2, share, np.inf)
    known = np.where(valid, layers, 0).astype(np.float64)
    size = (0, side, side)
    mean = uniform_filter(known, size, mode="constant") / share
    square = uniform_filter(known**2, size, mode="constant") / share
    std = np.sqrt(np.maximum(square - mean**2, 0))
    return mean.astype(np.float32), std.astype(np.float32)

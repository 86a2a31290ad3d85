"""Hand-crafted features of scenes for classical classifiers: statistics of spectra, texture and indices."""

from __future__ import annotations

import numpy as np

from .indices import all_indices


def scene_features(chips: np.ndarray, texture: bool = True) -> np.ndarray:
    """Features of whole chips.

    Args:
        chips: Reflectance float32 [N, 9, H, W].
        texture: Whether to add gradients and indices to the four statistics of every band.

    Returns:
        Features, float32 [N, F]: mean, standard deviation, 10th and 90th percentile of each band;
        with texture the same of each index, and mean and standard deviation of the gradients of each
        band (as logarithms, which helps a linear classifier and does not affect a forest) and index.
    """
    features = [distribution(chips)]
    if texture:
        indices = all_indices(chips)
        roughness = np.log(np.maximum(moments(steepness(chips)), 1e-4))
        features += [roughness, distribution(indices), moments(steepness(indices))]
    return np.concatenate(features, axis=1).astype(np.float32)


def distribution(layers: np.ndarray) -> np.ndarray:
    """Mean, standard deviation, 10th and 90th percentile of each layer: [N, 4 C] from [N, C, H, W]."""
    low, high = np.percentile(layers, (10, 90), axis=(2, 3))
    return np.concatenate([moments(layers), low, high], axis=1)


def moments(layers: np.ndarray) -> np.ndarray:
    """Mean and standard deviation of each layer: [N, 2 C] from [N, C, H, W]."""
    return np.concatenate([layers.mean((2, 3)), layers.std((2, 3))], axis=1)


def steepness(layers: np.ndarray) -> np.ndarray:
    """Magnitude of the gradient at every pixel, per pixel, in the shape of `layers` [N, C, H, W]."""
    down, right = np.gradient(layers, axis=(2, 3))
    return np.hypot(down, right)

"""Evidence of change for each pixel of a pair of dates, from the pair alone, without labels.

Five measures that err in different places are averaged on the log scale: the difference of all bands
and of the visible bands, each as it is and minus the mean difference of the surroundings (haze,
season), and the part of the second date that no linear combination of the first one's bands explains
(multivariate alteration detection, Nielsen 1998). Then ground that is green on one of the dates is
weighted down, as vegetation changes by itself. The measures are well known; their average ranks urban
change far better than any single one. The change network learns from it on unlabelled places.
"""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional as F

GREEN, RED, NIR, SWIR = 1, 2, 6, 7
# Without red edge, which many sensors lack.
COMMON = (0, 1, 2, 6, 7, 8)
VISIBLE = (0, 1, 2)
SURROUNDINGS = 15.0
GREENNESS = 0.45


def change_evidence(before: np.ndarray, after: np.ndarray, blur: float = 2.5) -> np.ndarray:
    """Averages the measures.

    Args:
        before: Reflectance of the first date [9, H, W].
        after: Reflectance of the second date on the same grid [9, H, W].
        blur: Standard deviation of the smoothing, pixels, as urban change concerns lots and not single pixels.

    Returns:
        The evidence, float32 [H, W]; only its order is meaningful.
    """
    moved = standardise(after) - standardise(before)
    local = moved - smooth(moved, SURROUNDINGS)
    measures = [
        np.sqrt(np.square(part[list(bands)]).mean(0))
        for part in (moved, local)
        for bands in (COMMON, VISIBLE)
    ]
    measures.append(alteration(before[list(COMMON)], after[list(COMMON)]))
    total = np.zeros(before.shape[1:], np.float32)
    for measure in measures:
        logarithm = np.log(smooth(measure[None], blur)[0] + 1e-3)
        total += (logarithm - logarithm.mean()) / (logarithm.std() + 1e-6)
    greenest = np.maximum(vegetation(before), vegetation(after))
    barren = 1 / (1 + np.exp((greenest - GREENNESS) / 0.07))
    return total + 2.5 * np.log(smooth(barren[None], blur)[0] + 0.03)


def soft_target(
    evidence: np.ndarray, deviations: float = 2.5, steepness: float = 1.5
) -> np.ndarray:
    """Converts evidence to a probability, which is 0.5 at a number of deviations above the scene's median.

    Args:
        evidence: The evidence from `change_evidence` [H, W].
        deviations: Robust standard deviations above the median at which a pixel counts as changed.
        steepness: Slope of the logit, per robust standard deviation.
    """
    middle = np.median(evidence)
    spread = 1.4826 * np.median(np.abs(evidence - middle)) + 1e-6
    return 1 / (1 + np.exp(-steepness * ((evidence - middle) / spread - deviations)))


def alteration(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Length of the multivariate alteration variates, each scaled to unit variance: [H, W].

    Args:
        before: First date [C, H, W], in any linear scaling of the bands.
        after: Second date [C, H, W], in any linear scaling of the bands.
    """
    first, second = (x.reshape(len(x), -1).astype(np.float64) for x in (before, after))
    first -= first.mean(1, keepdims=True)
    second -= second.mean(1, keepdims=True)
    count = first.shape[1]
    white = [_whiten(x @ x.T / count) for x in (first, second)]
    u, correlation, v = np.linalg.svd(white[0] @ (first @ second.T / count) @ white[1].T)
    difference = u.T @ white[0] @ first - v @ white[1] @ second
    variance = np.maximum(2 * (1 - correlation), 1e-6)[:, None]
    length = np.sqrt((difference**2 / variance).sum(0))
    return length.reshape(before.shape[1:]).astype(np.float32)


def _whiten(covariance: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(covariance)
    return (vectors / np.sqrt(np.maximum(values, values.max() * 1e-9))).T


def standardise(image: np.ndarray) -> np.ndarray:
    """Standardises each band of a scene to mean 0 and variance 1."""
    spread = image.std((1, 2), keepdims=True) + 1e-6
    return (image - image.mean((1, 2), keepdims=True)) / spread


def vegetation(image: np.ndarray) -> np.ndarray:
    """Normalised-difference vegetation index [H, W] of reflectance [9, H, W]."""
    return (image[NIR] - image[RED]) / (image[NIR] + image[RED] + 1e-3)


def smooth(image: np.ndarray, deviation: float) -> np.ndarray:
    """Gaussian blur of [C, H, W], edges mirrored."""
    radius = min(int(3 * deviation + 0.5), min(image.shape[1:]) - 1)
    at = torch.arange(-radius, radius + 1, dtype=torch.float32)
    kernel = torch.exp(-0.5 * (at / deviation) ** 2)
    kernel = (kernel / kernel.sum())[None, None]
    out = torch.from_numpy(np.ascontiguousarray(image, dtype=np.float32))[:, None]
    out = F.conv2d(F.pad(out, (radius, radius, 0, 0), mode="reflect"), kernel[:, :, None, :])
    out = F.conv2d(F.pad(out, (0, 0, radius, radius), mode="reflect"), kernel[:, :, :, None])
    return out[:, 0].numpy()

"""Size of a stratified sample, and allocation of its points to the strata."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidParameter


def sample_size(
    share: NDArray[np.float64], accuracy: NDArray[np.float64], standard_error: float
) -> int:
    """Sample size for a given standard error of the overall accuracy: Olofsson et al. (2014), equation 13.

    n = (sum of W_i S_i / S(O))^2 with S_i = sqrt(U_i (1 - U_i)).

    Args:
        share: W, share of each class in the map [K], sums to 1.
        accuracy: U, expected user's accuracy of each class [K].
        standard_error: S(O), standard error of the overall accuracy.
    """
    spread = np.sqrt(accuracy * (1 - accuracy))
    return math.ceil(round((float(share @ spread) / standard_error) ** 2, 6))


def allocate(
    pixels: NDArray[np.int64], size: int, allocation: str, minimum: int
) -> NDArray[np.int64]:
    """Allocates the points of a sample to the classes.

    Args:
        pixels: Number of pixels of each class [K], at least one.
        size: Number of points; exceeded only if the minimum of every class requires it.
        allocation: "proportional" to the pixels beyond the minimum, or "equal".
        minimum: Least number of points of each class; a class with fewer pixels gets all of them.

    Returns:
        Number of points of each class [K], never more than its pixels.

    Raises:
        InvalidParameter: There are fewer points than classes.
    """
    if size < len(pixels):
        raise InvalidParameter(
            f"A sample of {size} points cannot cover {len(pixels)} classes. Use at least {2 * len(pixels)} points, "
            f"preferably {50 * len(pixels)}."
        )
    least = np.minimum(pixels, minimum)
    weight = np.ones(len(pixels)) if allocation == "equal" else pixels.astype(float)
    # Fix classes outside their limits at the limit, beginning with the side that moves the sum away from the size.
    points = np.zeros(len(pixels), np.int64)
    free = np.ones(len(pixels), bool)
    while free.any():
        left = max(size - int(points[~free].sum()), 0)
        wanted = left * weight / weight[free].sum()
        excess = np.clip(wanted, least, pixels)[free].sum() - left
        low, high = free & (wanted < least), free & (wanted > pixels)
        if not (low | high).any():
            points[free] = _whole(wanted[free], left)
            break
        if excess >= 0:
            points[low] = least[low]
            free &= ~low
        if excess <= 0:
            points[high] = pixels[high]
            free &= ~high
    return points


def _whole(wanted: NDArray[np.float64], total: int) -> NDArray[np.int64]:
    """Rounds to integers with a given sum (largest remainder method)."""
    points = np.floor(wanted).astype(np.int64)
    rest = total - int(points.sum())
    points[np.argsort(points - wanted, kind="stable")[:rest]] += 1
    return points

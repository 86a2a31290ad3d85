"""Blend weights: how much each pixel of a window counts where windows overlap."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def ramp(window: int, overlap: int) -> NDArray[np.float32]:
    """Weights along one side: a raised cosine over the overlap at both ends, 1 between.

    Samples are taken at pixel centres, so no weight is 0 and the ramps of two neighbours add up to 1.

    Args:
        window: Side of a window, pixels.
        overlap: Pixels shared with a neighbour. More than half a window counts as half: the ramps then meet.

    Returns:
        float32 [window], in (0, 1], symmetric.
    """
    length = min(overlap, window // 2)
    weights = np.ones(window)
    rise = 0.5 - 0.5 * np.cos(np.pi * (np.arange(length) + 0.5) / max(1, length))
    weights[:length] = rise
    weights[window - length :] = rise[::-1]
    return weights.astype(np.float32)


def blend_weights(window: int, overlap: int) -> NDArray[np.float32]:
    """Separable weights of a window: the product of the two sides' ramps.

    Args:
        window: Side of a window, pixels.
        overlap: Pixels shared with a neighbour.

    Returns:
        float32 [window, window], greater than 0.
    """
    side = ramp(window, overlap)
    return np.outer(side, side)

"""Water by index: NDWI (McFeeters 1996) above a given or fitted threshold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .indices import normalised_difference
from .protocols import LabelledImage

WATER = 1


@dataclass(frozen=True)
class WaterIndex:
    """Class 1 where NDWI exceeds a threshold.

    Attributes:
        threshold: The threshold; None to fit it to the labelled pixels.
    """

    threshold: float | None = 0.0

    def fit(self, scene: LabelledImage, seed: int) -> WaterIndexModel:
        """See `protocols.PixelMethod`; of the two classes, 1 is water."""
        if self.threshold is not None:
            return WaterIndexModel(self.threshold)
        index = normalised_difference(scene.image, "NDWI")[scene.row, scene.column]
        return WaterIndexModel(best_threshold(index, scene.label == WATER))


@dataclass(frozen=True)
class WaterIndexModel:
    """A threshold."""

    threshold: float

    def predict(self, image: np.ndarray, valid: np.ndarray) -> np.ndarray:
        """See `protocols.PixelModel`; probabilities are 0 or 1."""
        water = normalised_difference(image, "NDWI") > self.threshold
        return np.stack([~water, water]).astype(np.float32)


def best_threshold(value: np.ndarray, positive: np.ndarray) -> float:
    """The threshold that separates positives from negatives best.

    Args:
        value: Values [N].
        positive: True for positives, bool [N]; must contain both kinds.

    Returns:
        The threshold with the largest sum of sensitivity and specificity, midway between two values;
        of equally good gaps, in the widest.
    """
    order = np.argsort(value, kind="stable")
    value, positive = value[order], positive[order]
    below = np.cumsum(~positive)[:-1] / max(1, (~positive).sum())
    above = 1 - np.cumsum(positive)[:-1] / max(1, positive.sum())
    gap = np.diff(value)
    gain = np.where(gap > 0, below + above, -np.inf)
    best = np.flatnonzero(gain >= gain.max() - 1e-12)
    cut = best[gap[best].argmax()]
    return float((value[cut] + value[cut + 1]) / 2)

"""Judges whether a backend gives the same map as the float32 reference, on real windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .backend import Floats

# A backend that misses one of these limits is not used for the model.
LEAST_AGREEMENT = 0.99  # share of the pixels with the same class
MOST_AREA = 0.002  # of a class, in shares of all pixels
MOST_CONFIDENCE = 0.02  # mean difference
# Pixels that change their class must have been near-ties: the median margin of their two best classes.
TIE = 0.1


@dataclass(frozen=True)
class Agreement:
    """How two backends agree on the same windows.

    Attributes:
        same: Share of the pixels (or scenes) with the same class.
        area: Largest difference of a class's share of all pixels.
        confidence: Mean difference of the best class's probability.
        margin: Median distance between the two best classes, in float32, of the pixels that changed; 0 without any.
    """

    same: float
    area: float
    confidence: float
    margin: float

    @property
    def good(self) -> bool:
        """Whether the backend may be used."""
        return (
            self.same >= LEAST_AGREEMENT
            and self.area <= MOST_AREA
            and self.confidence <= MOST_CONFIDENCE
            and self.margin <= TIE
        )

    def __str__(self) -> str:
        """The figures, for a log."""
        return (
            f"same class {self.same:.2%}, areas within {self.area:.2%}, confidence within {self.confidence:.4f}, "
            f"margin of the changed {self.margin:.3f}"
        )


def agreement(reference: Sequence[Floats], given: Sequence[Floats]) -> Agreement:
    """Compares probabilities window by window.

    Args:
        reference: Probabilities of each window by the reference backend, float32 [B, K, ...].
        given: The same by another one.

    Returns:
        How they agree; values that are not finite agree with nothing.
    """
    one, other = _by_pixel(reference), _by_pixel(given)  # [K, pixels]
    if not np.isfinite(other).all():
        return Agreement(0.0, 1.0, 1.0, 1.0)
    best, changed = one.argmax(0), other.argmax(0)
    classes = len(one)
    shares = [np.bincount(labels, minlength=classes) / labels.size for labels in (best, changed)]
    two = np.sort(one, axis=0)[-2:] if classes > 1 else np.stack([np.zeros_like(one[0]), one[0]])
    flipped = (two[1] - two[0])[best != changed]
    return Agreement(
        same=float(np.mean(best == changed)),
        area=float(np.abs(shares[0] - shares[1]).max()),
        confidence=float(np.abs(one.max(0) - other.max(0)).mean()),
        margin=float(np.median(flipped)) if flipped.size else 0.0,
    )


def _by_pixel(windows: Sequence[Floats]) -> Floats:
    columns = [np.moveaxis(window, 1, 0).reshape(window.shape[1], -1) for window in windows]
    return np.concatenate(columns, axis=1)

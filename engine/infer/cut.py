"""The threshold between changed and unchanged, and the rescaling of scores before it is applied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelInvalid
from .scores import UNKNOWN
from .threshold import rescale, scene_threshold, score_edges


@dataclass(frozen=True)
class Cut:
    """The threshold of one scene.

    Attributes:
        threshold: Scores from this on count as changed.
        own: The model's own threshold; None if this version does not know its kind.
        centre: The score that rescaling moves to 0.5; None where scores are not rescaled.
    """

    threshold: float
    own: float | None
    centre: float | None = None

    @classmethod
    def decide(
        cls, histogram: NDArray[Any], spec: Mapping[str, Any], given: float | None = None
    ) -> Cut:
        """The user's threshold, or the model's own: fixed in its card, or found in the scene.

        Args:
            histogram: Pixels of the scene in each bin of `score_edges`.
            spec: The card's `threshold`.
            given: The user's threshold, applied after rescaling; None for the model's own.

        Raises:
            ModelInvalid: The card names a method that this version does not know.
        """
        try:
            own = scene_threshold(histogram, score_edges(), spec)
        except ModelInvalid:
            if given is None or spec.get("rescale"):
                raise
            return cls(given, None)
        centre = None
        if spec.get("rescale"):
            own, centre = 0.5, own
        return cls(own if given is None else given, own, centre)

    def adjust(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """Rescales scores in place, as they are thresholded and written; `UNKNOWN` stays."""
        if self.centre is not None:
            known = scores != UNKNOWN
            scores[known] = rescale(scores[known], self.centre)
        return scores

"""From scores to what changed: the cut, and what becomes of the scores before it."""

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
    """What tells changed from unchanged in one scene.

    Attributes:
        threshold: The least score of what changed.
        own: The model's own threshold; None where it has none that this version knows.
        centre: The score that becomes 0.5 before it is compared; None where scores stay as they are.
    """

    threshold: float
    own: float | None
    centre: float | None = None

    @classmethod
    def decide(
        cls, histogram: NDArray[Any], spec: Mapping[str, Any], given: float | None = None
    ) -> Cut:
        """The user's cut, or the model's own: fixed, or found in the scene.

        Args:
            histogram: Pixels of the scene in each bin of `score_edges`.
            spec: The card's `threshold`.
            given: The user's threshold, for scores as they are after rescaling; None for the model's own.

        Raises:
            ModelInvalid: The card asks for what this version does not know.
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
        """Scores as they are compared and written, in place; `UNKNOWN` stays."""
        if self.centre is not None:
            known = scores != UNKNOWN
            scores[known] = rescale(scores[known], self.centre)
        return scores

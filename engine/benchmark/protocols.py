"""What a method must offer to be measured: peers and the product go through the same three doors.

A method holds its settings; `fit` returns a model and leaves the method as it was, so that one
method serves every draw. The same seed gives the same model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, Union

import numpy as np

FOR_THIS_IMAGE = "quick, for this image"  # what the tables call that use of the quick method


@dataclass(frozen=True)
class LabelledImage:
    """A scene of which some pixels are labelled.

    Attributes:
        image: Reflectance float32 [9, H, W], 0 where invalid.
        valid: bool [H, W].
        row: Row of each labelled pixel [N].
        column: Column, likewise.
        label: Class index 0..K-1 of each.
        unit: Polygon or patch that each lies in.
        classes: Number of classes K.
    """

    image: np.ndarray
    valid: np.ndarray
    row: np.ndarray
    column: np.ndarray
    label: np.ndarray
    unit: np.ndarray
    classes: int


class PixelModel(Protocol):
    """Maps a scene."""

    def predict(self, image: np.ndarray, valid: np.ndarray) -> np.ndarray:
        """Class probabilities float32 [K, H, W] of reflectance [9, H, W], valid bool [H, W]."""


class PixelMethod(Protocol):
    """Learns to map from labelled pixels."""

    def fit(self, scene: LabelledImage, seed: int) -> PixelModel:
        """Learns from some pixels of one scene.

        Args:
            scene: With the pixels to learn from.
            seed: Seed of every random number.
        """


class SceneModel(Protocol):
    """Labels scenes."""

    def predict(self, chips: np.ndarray) -> np.ndarray:
        """Scores [M, K], higher is likelier, of reflectance [M, 9, 64, 64]."""


class SceneMethod(Protocol):
    """Learns to label scenes."""

    def fit(self, chips: np.ndarray, labels: np.ndarray, classes: int, seed: int) -> SceneModel:
        """Learns from reflectance float32 [N, 9, 64, 64] and class indices [N] below `classes`."""


class ChangePair(NamedTuple):
    """Two dates of a place and what changed.

    Attributes:
        before: Reflectance float32 [9, H, W], 0 where invalid.
        after: Second date, likewise, on the same grid.
        valid: bool [H, W], valid in both.
        truth: uint8 [H, W], 0 unchanged, 1 changed.
    """

    before: np.ndarray
    after: np.ndarray
    valid: np.ndarray
    truth: np.ndarray


class ChangeModel(Protocol):
    """Scores change."""

    @property
    def threshold(self) -> float:
        """Score from which a pixel counts as changed; no test place had a part in it."""

    def predict(self, before: np.ndarray, after: np.ndarray, valid: np.ndarray) -> np.ndarray:
        """Score [H, W] of reflectance [9, H, W] of both dates, valid bool [H, W]."""


class ChangeMethod(Protocol):
    """Learns to score change."""

    def fit(self, pairs: Sequence[ChangePair], seed: int, seconds: float) -> ChangeModel:
        """Learns from labelled pairs.

        Args:
            pairs: May be empty: what the method can do without labels is measured then.
            seed: Seed of every random number.
            seconds: Processor time that training may take, of all threads together.
        """


Method = Union[PixelMethod, SceneMethod, ChangeMethod]

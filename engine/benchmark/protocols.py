"""Protocols of the methods and models to benchmark, the same for the product and its baselines.

A method holds its settings; `fit` returns a model and does not change the method, so that one
method can be used for all draws. The same seed gives the same model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, Union

import numpy as np

FOR_THIS_IMAGE = "quick, for this image"  # name of this use of the quick method in tables


@dataclass(frozen=True)
class LabelledImage:
    """A scene with labelled pixels.

    Attributes:
        image: Reflectance float32 [9, H, W], 0 where invalid.
        valid: Valid pixels, bool [H, W].
        row: Row of each labelled pixel [N].
        column: Column of each labelled pixel [N].
        label: Class index of each, 0..K-1 [N].
        unit: Polygon or patch that each lies in [N].
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
    """A model that maps scenes."""

    def predict(self, image: np.ndarray, valid: np.ndarray) -> np.ndarray:
        """Class probabilities float32 [K, H, W] from reflectance [9, H, W] and valid pixels bool [H, W]."""


class PixelMethod(Protocol):
    """A method that learns to map from labelled pixels."""

    def fit(self, scene: LabelledImage, seed: int) -> PixelModel:
        """Fits a model to the labelled pixels of a scene.

        Args:
            scene: The scene with its labelled pixels.
            seed: Seed of all random numbers.
        """


class SceneModel(Protocol):
    """A model that classifies scenes."""

    def predict(self, chips: np.ndarray) -> np.ndarray:
        """Scores [M, K], higher for likelier classes, from reflectance [M, 9, 64, 64]."""


class SceneMethod(Protocol):
    """A method that learns to classify scenes."""

    def fit(self, chips: np.ndarray, labels: np.ndarray, classes: int, seed: int) -> SceneModel:
        """Fits a model to reflectance float32 [N, 9, 64, 64] and class indices [N] below `classes`."""


class ChangePair(NamedTuple):
    """Two dates of a place, and a map of its change.

    Attributes:
        before: Reflectance of the first date, float32 [9, H, W], 0 where invalid.
        after: The second date, in the same form and on the same grid.
        valid: Pixels that are valid on both dates, bool [H, W].
        truth: 0 unchanged, 1 changed, uint8 [H, W].
    """

    before: np.ndarray
    after: np.ndarray
    valid: np.ndarray
    truth: np.ndarray


class ChangeModel(Protocol):
    """A model that scores change."""

    @property
    def threshold(self) -> float:
        """Score from which a pixel counts as changed; chosen without the test places."""

    def predict(self, before: np.ndarray, after: np.ndarray, valid: np.ndarray) -> np.ndarray:
        """Scores [H, W] from reflectance [9, H, W] of both dates and valid pixels bool [H, W]."""


class ChangeMethod(Protocol):
    """A method that learns to score change."""

    def fit(self, pairs: Sequence[ChangePair], seed: int, seconds: float) -> ChangeModel:
        """Fits a model to labelled pairs.

        Args:
            pairs: Labelled pairs; if empty, the method is measured without labels.
            seed: Seed of all random numbers.
            seconds: Processor time that training may take, of all threads together.
        """


Method = Union[PixelMethod, SceneMethod, ChangeMethod]

"""Wraps fitted classifiers of scikit-learn as models of the benchmark."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .pixel_features import pixel_features
from .scene_features import scene_features


@dataclass(frozen=True)
class FittedPixels:
    """A fitted classifier of pixels.

    Attributes:
        classifier: scikit-learn classifier, with `predict_proba` and `classes_`.
        texture: Whether local means and standard deviations are among its features.
        classes: Number of classes K; classes that the classifier never saw get probability 0.
    """

    classifier: Any
    texture: bool
    classes: int

    def predict(self, image: np.ndarray, valid: np.ndarray) -> np.ndarray:
        """See `protocols.PixelModel`."""
        features = pixel_features(image, valid, self.texture)
        probability = np.zeros((self.classes, *valid.shape), np.float32)
        found = self.classifier.predict_proba(features.reshape(-1, features.shape[2]))
        probability[self.classifier.classes_] = found.T.reshape(-1, *valid.shape)
        return probability


@dataclass(frozen=True)
class FittedScenes:
    """A fitted classifier of chips; for the attributes see `FittedPixels`."""

    classifier: Any
    texture: bool
    classes: int

    def predict(self, chips: np.ndarray) -> np.ndarray:
        """See `protocols.SceneModel`."""
        scores = np.zeros((len(chips), self.classes), np.float32)
        features = scene_features(chips, self.texture)
        scores[:, self.classifier.classes_] = self.classifier.predict_proba(features)
        return scores

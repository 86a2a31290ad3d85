"""Logistic regression on standardised features; its penalty is chosen by cross-validation on the training labels."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from .fitted import FittedPixels, FittedScenes
from .pixel_features import pixel_features
from .protocols import LabelledImage
from .scene_features import scene_features

PENALTIES = (0.001, 0.01, 0.1, 1.0, 10.0, 100.0)
DEFAULT_PENALTY = 1.0
FOLDS = 5


@dataclass(frozen=True)
class PixelLogistic:
    """Logistic regression on a pixel's bands and indices, and with `texture` on local moments too."""

    texture: bool = True

    def fit(self, scene: LabelledImage, seed: int) -> FittedPixels:
        """See `protocols.PixelMethod`; holds out whole units to choose the penalty."""
        features = pixel_features(scene.image, scene.valid, self.texture)[scene.row, scene.column]
        fitted = _fit(features, scene.label, scene.unit, seed)
        return FittedPixels(fitted, self.texture, scene.classes)


@dataclass(frozen=True)
class SceneLogistic:
    """Logistic regression on a chip's spectra, and with `texture` on its gradients and indices too."""

    texture: bool = True

    def fit(self, chips: np.ndarray, labels: np.ndarray, classes: int, seed: int) -> FittedScenes:
        """See `protocols.SceneMethod`."""
        features = scene_features(chips, self.texture)
        regression = _fit(features, labels, np.arange(len(labels)), seed)
        return FittedScenes(regression, self.texture, classes)


def choose_penalty(features: np.ndarray, labels: np.ndarray, units: np.ndarray, seed: int) -> float:
    """The inverse strength of the penalty with the smallest log loss on held-out units.

    Args:
        features: Features [N, F].
        labels: Class indices [N].
        units: Polygon or patch of each sample [N]; a unit is never split between training and validation.
        seed: Seed of the folds.

    Returns:
        One of `PENALTIES`; `DEFAULT_PENALTY` if a class has only one unit, as nothing can be held
        out then.
    """
    classes = np.unique(labels)
    folds = min(FOLDS, *(np.unique(units[labels == one]).size for one in classes))
    if folds < 2:
        return DEFAULT_PENALTY
    divide = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    losses = np.zeros(len(PENALTIES))
    for train, held_back in divide.split(features, labels, units):
        if np.unique(labels[train]).size < classes.size:
            continue
        for number, penalty in enumerate(PENALTIES):
            found = _regression(penalty, features[train], labels[train])
            probability = found.predict_proba(features[held_back])
            losses[number] += log_loss(labels[held_back], probability, labels=classes)
    return PENALTIES[int(losses.argmin())] if losses.any() else DEFAULT_PENALTY


def _fit(features: np.ndarray, labels: np.ndarray, units: np.ndarray, seed: int) -> Pipeline:
    return _regression(choose_penalty(features, labels, units, seed), features, labels)


def _regression(penalty: float, features: np.ndarray, labels: np.ndarray) -> Pipeline:
    regression = LogisticRegression(C=penalty, max_iter=1000, class_weight="balanced")
    pipeline = make_pipeline(StandardScaler(), regression)
    with warnings.catch_warnings():
        # With a weak penalty, separable classes do not converge, but the fit is usable.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return pipeline.fit(features, labels)

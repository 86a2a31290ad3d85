"""Random forests, the classifier that most plugins offer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.ensemble import RandomForestClassifier

from .fitted import FittedPixels, FittedScenes
from .pixel_features import pixel_features
from .protocols import LabelledImage
from .scene_features import scene_features

# Chosen on the benchmark's own data, which favours the baselines; more trees make no difference.
TREES = 300


@dataclass(frozen=True)
class PixelForest:
    """Random forest on a pixel's bands and indices.

    Attributes:
        texture: Whether to use local means and standard deviations too.
        trees: Number of trees.
        threads: Number of threads; -1 = all.
    """

    texture: bool = True
    trees: int = TREES
    threads: int = 1

    def fit(self, scene: LabelledImage, seed: int) -> FittedPixels:
        """See `protocols.PixelMethod`; ignores the units."""
        forest = _forest(self.trees, self.threads, seed)
        features = pixel_features(scene.image, scene.valid, self.texture)
        forest.fit(features[scene.row, scene.column], scene.label)
        return FittedPixels(forest, self.texture, scene.classes)


@dataclass(frozen=True)
class SceneForest:
    """Random forest on a chip's spectra, and with `texture` on its gradients and indices too."""

    texture: bool = True
    trees: int = TREES
    threads: int = 1

    def fit(self, chips: np.ndarray, labels: np.ndarray, classes: int, seed: int) -> FittedScenes:
        """See `protocols.SceneMethod`."""
        forest = _forest(self.trees, self.threads, seed)
        return FittedScenes(
            forest.fit(scene_features(chips, self.texture), labels), self.texture, classes
        )


def _forest(trees: int, threads: int, seed: int) -> RandomForestClassifier:
    return RandomForestClassifier(trees, class_weight="balanced", n_jobs=threads, random_state=seed)

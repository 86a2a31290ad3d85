"""Accuracy of scene scores against labels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import nn

from ..assess.intervals import Estimate, clustered
from ..cards import Card
from ..data.blocks import spatial_blocks
from ..model.predictor import Predictor
from .judging import LEVEL
from .live_figures import figures, titles
from .metrics import confusion_matrix
from .scene_batches import WholeScenes
from .scene_chips import SceneChips
from .scene_head import figure, scene_means
from .supervised import predict


def held_scores(predictor: Predictor, chips: SceneChips) -> NDArray[np.float64]:
    """Mean probabilities [M, K] of scenes, as in inference."""
    chances, _ = predict(predictor, WholeScenes(chips, 16))
    return scene_means(chances.astype(np.float64), chips)


def judge_held(model: nn.Module, chips: SceneChips) -> dict[str, float]:
    """Figures of a `Predictor` on held-out scenes, see `figures_of`."""
    if not isinstance(model, Predictor):
        raise TypeError(f"Expected a Predictor, given {type(model).__name__}.")
    return figures_of(held_scores(model, chips), chips, model.card)


def figures_of(scores: NDArray[np.float64], chips: SceneChips, card: Card) -> dict[str, float]:
    """Figures of scores [M, K]: accuracy and the IoU of each class, or mean average precision."""
    matrix = matrix_of(scores, chips)
    if matrix is None:
        return {"map": figure(scores, chips.label)}
    return figures(matrix, titles(card.classes))


def places_of(chips: SceneChips) -> NDArray[np.int64]:
    """The place of each scene [M]; scenes whose windows touch form one place."""
    return spatial_blocks(chips.positions, chips.window)


def accuracy_of(scores: NDArray[np.float64], chips: SceneChips) -> Estimate:
    """Accuracy with its interval; for multi-label scenes, mean average precision without an interval."""
    if chips.label.ndim == 2:
        return Estimate(figure(scores, chips.label))
    return clustered(scores.argmax(1) == chips.label, places_of(chips), LEVEL)


def matrix_of(scores: NDArray[np.float64], chips: SceneChips) -> NDArray[np.int64] | None:
    """Confusion matrix, true classes in rows; None for multi-label scenes."""
    if chips.label.ndim == 2:
        return None
    return confusion_matrix(chips.label, scores.argmax(1), chips.classes)

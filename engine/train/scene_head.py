"""Fits the last layer of a scene classifier, and evaluates it on held-out scenes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..data.blocks import spatial_blocks, spatial_folds
from ..model.pixel_classifier import PixelClassifier
from .discriminant import fit_discriminant
from .linear_scores import ABSENT, LinearScores, Standardised, mean_of_both, standardised
from .logistic import fit_logistic
from .metrics import confusion_matrix, mean_average_precision, overall_accuracy
from .scene_chips import SceneChips
from .scene_samples import SceneSamples

SHRINKAGE = 0.4
# Texture distinguishes scenes best. How useful tokens are with few labels depends on the backbone, so
# they get the larger weight only if that is clearly better on held-out scenes.
WEIGHTS = {"patches": 3.0, "tokens": 0.5}
TOKEN_WEIGHTS = (0.5, 3.0)
MARGIN = 0.02
FOLDS = 5
APART = 1.5  # in windows; scenes with closer centres are held out together


@dataclass(frozen=True)
class JudgedScenes:
    """The result of the cross-validation.

    Attributes:
        scores: Held-out scores of every scene [M, K]; empty if no scenes could be held out.
        figure: Accuracy, or mean average precision for multi-label scenes; NaN if no scenes could be held out.
        tokens: The chosen weight of the tokens.
        tried: Figure of every candidate weight, by name.
        folds: Number of folds; 0 if no scenes could be held out.
        blocks: Number of places with scenes.
        warning: What limits the evaluation; empty if nothing does.
    """

    scores: NDArray[np.float64]
    figure: float
    tokens: float
    tried: dict[str, float]
    folds: int
    blocks: int
    warning: str = ""


def fit_scenes(
    samples: SceneSamples, chosen: NDArray[np.bool_], tokens: float = WEIGHTS["tokens"]
) -> LinearScores:
    """Fits the last layer to the windows of the chosen scenes [M], in every view.

    It is the mean of two linear rules: discriminants on single blocks of features, and one
    logistic regression on all blocks.

    For multi-label scenes, each class is fitted against the rest. A class without chosen scenes
    gets scores far below the others.
    """
    chips = samples.chips
    windows = chosen[chips.scene]
    weight = 1.0 / np.bincount(chips.scene)[chips.scene[windows]]  # scenes count equally
    views = len(samples.features)
    features = standardised(samples.features[:, windows].reshape(-1, samples.features.shape[2]))
    weights = (samples.weight[:, None] * weight).ravel()
    widths = block_weights(samples.blocks, tokens)
    label = chips.label[chips.scene[windows]]
    scenes = int(chosen.sum())
    if label.ndim == 1:
        label = np.tile(label, views)
        return _fit_one_label(features, label, widths, weights, chips.classes, scenes)
    rules = [
        _fit_binary(features, np.tile(has, views), widths, weights, scenes) for has in label.T > 0
    ]
    return LinearScores(
        features.mean,
        features.scale,
        np.stack([weight for weight, _ in rules]),
        np.array([bias for _, bias in rules]),
    )


def block_weights(blocks: Mapping[str, int], tokens: float) -> list[tuple[int, float]]:
    """Width and weight of each block of features; blocks without an entry in `WEIGHTS` have weight 1."""
    weights = {**WEIGHTS, "tokens": tokens}
    return [(width, weights.get(name, 1.0)) for name, width in blocks.items()]


def scene_scores(
    model: LinearScores, features: NDArray[np.float32], chips: SceneChips
) -> NDArray[np.float64]:
    """Mean scores [M, K] of every scene over its windows, from features [N, F]."""
    return scene_means(model(features.astype(float)), chips)


def scene_means(values: NDArray[np.float64], chips: SceneChips) -> NDArray[np.float64]:
    """Means [M, K] of values [N, K] over each scene's windows, weighted by the part of it that they show."""
    total = np.zeros((len(chips), values.shape[1]))
    np.add.at(total, chips.scene, values * chips.weight[:, None])
    return total / np.bincount(chips.scene, chips.weight, len(chips))[:, None]


def judge_scenes(samples: SceneSamples, seed: int) -> JudgedScenes:
    """Chooses the weight of the tokens by cross-validation, holding out whole places.

    Args:
        samples: Features of all labelled scenes.
        seed: Seed of the folds.
    """
    chips = samples.chips
    fold, blocks, warning = deal(chips, seed)
    if fold is None:
        return JudgedScenes(
            np.zeros((0, 0)), float("nan"), WEIGHTS["tokens"], {}, 0, blocks, warning
        )
    folds = int(fold.max()) + 1
    tried: dict[float, NDArray[np.float64]] = {}
    for weight in TOKEN_WEIGHTS:
        scores = np.zeros((len(chips), chips.classes))
        for number in range(folds):
            test = fold == number
            model = fit_scenes(samples, ~test, weight)
            scores[test] = scene_scores(model, samples.features[0], chips)[test]
        tried[weight] = scores
    figures = {weight: figure(scores, chips.label) for weight, scores in tried.items()}
    first, second = TOKEN_WEIGHTS
    tokens = second if figures[second] > figures[first] + MARGIN else first
    named = {f"weight of the tokens {weight:g}": round(v, 4) for weight, v in figures.items()}
    return JudgedScenes(tried[tokens], figures[tokens], tokens, named, folds, blocks, warning)


def deal(chips: SceneChips, seed: int) -> tuple[NDArray[np.int64] | None, int, str]:
    """Assigns whole places to folds: returns the fold of each scene [M] or None, number of places, warning."""
    classes = chips.classes
    has = np.eye(classes, dtype=bool)[chips.label] if chips.label.ndim == 1 else chips.label > 0
    tight = ""
    for distance in (APART * chips.window, chips.window):
        block = spatial_blocks(chips.positions, distance)
        places = [len(np.unique(block[has[:, k]])) for k in range(classes)]
        folds = min(FOLDS, *(count for count in places if count))
        if folds >= 2:
            break
        tight = (
            "Touching scenes had to be assigned to different parts, because there are too few others. The accuracy "
            "figures are too optimistic. Draw scenes in more places."
        )
    blocks = int(block.max()) + 1
    if folds < 2:
        return (
            None,
            blocks,
            "No scenes could be held back to assess the accuracy of the model: one class is labelled in only one "
            f"place (closer than {chips.window} pixels). Label every class in at least two places.",
        )
    # For multi-label scenes the rarest label decides on the fold.
    label = chips.label if chips.label.ndim == 1 else _rarest(has)
    fold = spatial_folds(chips.positions, label, folds, distance=distance, seed=seed)
    return fold, blocks, tight


def figure(scores: NDArray[np.float64], label: NDArray[Any]) -> float:
    """Accuracy of scores [M, K] for class indices [M], or mean average precision for labels [M, K]."""
    if label.ndim == 1:
        return overall_accuracy(confusion_matrix(label, scores.argmax(1), scores.shape[1]))
    return mean_average_precision(label > 0, scores)


@torch.no_grad()
def install(
    network: PixelClassifier, model: LinearScores, temperature: float, shift: NDArray[np.float64]
) -> None:
    """Installs a fitted and calibrated rule in the network's last layer."""
    network.feature_mean.copy_(torch.from_numpy(model.mean))
    network.feature_scale.copy_(torch.from_numpy(model.scale))
    network.head.weight.copy_(torch.from_numpy(model.weight / temperature))
    network.head.bias.copy_(torch.from_numpy((model.bias - shift) / temperature))


def _fit_one_label(
    features: Standardised,
    label: NDArray[np.int64],
    widths: Sequence[tuple[int, float]],
    weights: NDArray[np.float64],
    classes: int,
    scenes: int,
) -> LinearScores:
    there, compact = np.unique(label, return_inverse=True)
    for k in range(len(there)):  # classes count equally
        weights = np.where(compact == k, weights / weights[compact == k].sum(), weights)
    model = fit_discriminant(features, compact, widths, SHRINKAGE, weights)
    if len(there) > 1:
        other = fit_logistic(features, compact, widths, weights, scenes)
        model = mean_of_both(model, other, features.points)
    return model.among(there, classes)


def _fit_binary(
    features: Standardised,
    has: NDArray[np.bool_],
    widths: Sequence[tuple[int, float]],
    weights: NDArray[np.float64],
    scenes: int,
) -> tuple[NDArray[np.float64], float]:
    """Fits one class against the rest: weight [F] and bias of the difference of their scores."""
    if has.all() or not has.any():
        return np.zeros(features.points.shape[1]), ABSENT if not has.any() else -ABSENT
    model = _fit_one_label(features, has.astype(np.int64), widths, weights, 2, scenes)
    return model.weight[1] - model.weight[0], float(model.bias[1] - model.bias[0])


def _rarest(has: NDArray[np.bool_]) -> NDArray[np.int64]:
    counts = np.where(has, has.sum(0), len(has) + 1)
    return np.asarray(counts.argmin(1), np.int64)

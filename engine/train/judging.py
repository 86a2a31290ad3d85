"""Spatial cross-validation of heads: evaluates each on labels of held-out places, and chooses the best."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ..assess.intervals import Estimate, clustered
from ..data.blocks import spatial_blocks, spatial_folds
from ..infer.lanes import in_order
from ..model.feature_head import FeatureHead
from ..progress import Progress
from .calibration import TEMPERATURES
from .linear_scores import LinearScores
from .live_figures import figures, tell
from .metrics import confusion_matrix, mean_iou
from .pixel_features import PixelSamples
from .quick_head import fit_hidden, head_scores

FOLDS = 5
DISTANCE = 16  # pixels; labels closer than this are held out together
# A hidden layer must be better by this much (mean IoU) on held-out labels, and every class must have this many places:
# with only a handful of polygons the linear rule is better elsewhere, even if it is worse here.
MARGIN, ENOUGH_BLOCKS = 0.01, 6
LEVEL = 95  # confidence of intervals, percent
LANES = 2  # parallel fits, each of which needs a few hundred megabytes
_CONFIDENCE = 0.9  # assumed mean probability of the predicted class if no labels can be held out

# Fits a linear rule to the labelled pixels that a mask selects [N].
LinearFit = Callable[[NDArray[np.bool_]], LinearScores]
# Held-out scores [N, K] of every labelled pixel, by the width of the head's hidden layer.
HeldOut = dict[int, NDArray[np.float64]]


@dataclass(frozen=True)
class Judged:
    """The result of the cross-validation.

    Attributes:
        matrix: Confusion matrix of the chosen head, true classes in rows [K, K]; None if no labels
            could be held out.
        temperature: Temperature of the softmax, chosen by likelihood on held-out labels.
        hidden: Width of the chosen head's hidden layer, 0 for the linear head.
        folds: Number of folds; 0 if no labels could be held out.
        blocks: Number of places with labels.
        mean_iou: Mean IoU of each candidate head, by name.
        warning: Why no evaluation was possible; empty otherwise.
        accuracy: Accuracy on held-out labels, with its interval over places; None if no labels could be held out.
    """

    matrix: NDArray[np.int64] | None
    temperature: float
    hidden: int
    folds: int
    blocks: int
    mean_iou: dict[str, float]
    warning: str = ""
    accuracy: Estimate | None = None


def judge(
    samples: PixelSamples,
    fit: LinearFit,
    fresh: FeatureHead | None,
    classes: int,
    seed: int,
    progress: Progress | None = None,
    names: Sequence[str] = (),
) -> Judged:
    """Chooses the head and its temperature by cross-validation, holding out each fold of places in turn.

    Args:
        samples: Features of all labelled pixels.
        fit: Fits the linear head to some of the pixels.
        fresh: A head with a hidden layer to try as well; None to use the linear head.
        classes: Number of classes K.
        seed: Seed of folds and weights.
        progress: Takes the progress, and the figures after each fold; at the end those of the chosen head.
        names: Names of the classes [K], for figures of each class.
    """
    progress = progress or Progress()
    block = spatial_blocks(samples.positions, DISTANCE)
    places = np.array([len(np.unique(block[samples.label == k])) for k in range(classes)])
    folds = int(min(FOLDS, places.min())) if len(places) else 0
    if folds < 2:
        whole = fit(np.ones(len(block), bool))
        return _unjudged(whole(samples.features[0]), len(np.unique(block)))
    fold = spatial_folds(samples.positions, samples.label, folds, distance=DISTANCE, seed=seed)
    if places.min() < ENOUGH_BLOCKS:
        fresh = None
    progress.state(parts=folds)
    tried: HeldOut = {0: np.zeros((len(block), classes))}
    for number, scores in _held_out(samples, fit, fold):
        part = progress.part(number / folds, (number + 1) / folds)
        part.update(0, f"Assessing accuracy, part {number + 1} of {folds}")
        test = fold == number
        tried[0][test] = scores
        if fresh is not None:
            fit_hidden(fresh, samples, ~test, seed, part)
            wider = tried.setdefault(fresh.hidden, np.zeros_like(tried[0]))
            wider[test] = head_scores(fresh, samples.features[0][test])
        seen = fold <= number
        matrix = confusion_matrix(samples.label[seen], tried[0][seen].argmax(1), classes)
        tell(progress, "part_", number + 1, figures(matrix, names))
    judged = _choose(tried, samples.label, block, folds)
    if judged.hidden and judged.matrix is not None:
        tell(progress, "part_", folds, figures(judged.matrix, names))
    return judged


def _unjudged(scores: NDArray[np.float64], places: int) -> Judged:
    """The result if no labels can be held out; `scores` [N, K] are those of the training pixels."""
    return Judged(
        None,
        _temperature_for(scores, _CONFIDENCE),
        0,
        0,
        places,
        {},
        "No labels could be held back to assess the accuracy of the model: one class is labelled in only one place "
        f"(closer than {DISTANCE} pixels). Draw every class in at least two places.",
    )


def _held_out(
    samples: PixelSamples, fit: LinearFit, fold: NDArray[np.int64]
) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """Yields each fold and its scores [n, K] by a linear head fitted to all other folds, in a few threads."""

    def scores(number: int) -> NDArray[np.float64]:
        test = fold == number
        return fit(~test)(samples.features[0][test])

    yield from in_order(range(int(fold.max()) + 1), scores, min(torch.get_num_threads(), LANES))


def _choose(
    tried: HeldOut, label: NDArray[np.int64], block: NDArray[np.int64], folds: int
) -> Judged:
    """Chooses the linear head, or the one with a hidden layer if that is clearly better."""
    classes = tried[0].shape[1]
    found = {
        hidden: confusion_matrix(label, scores.argmax(1), classes)
        for hidden, scores in tried.items()
    }
    means = {hidden: mean_iou(matrix) for hidden, matrix in found.items()}
    widest = max(means)
    hidden = widest if means[widest] > means[0] + MARGIN else 0
    return Judged(
        found[hidden],
        _likeliest(tried[hidden], label) if hidden == 0 else 1.0,
        hidden,
        folds,
        len(np.unique(block)),
        {"hidden layer" if key else "linear": round(value, 4) for key, value in means.items()},
        accuracy=clustered(tried[hidden].argmax(1) == label, block, LEVEL),
    )


def _likeliest(scores: NDArray[np.float64], label: NDArray[np.int64]) -> float:
    """The temperature that makes the labels most probable, with classes weighted equally."""
    losses = []
    for value in TEMPERATURES:
        chosen = _log_softmax(scores / value)[np.arange(len(label)), label]
        losses.append(-np.mean([chosen[label == k].mean() for k in np.unique(label)]))
    return float(TEMPERATURES[int(np.argmin(losses))])


def _temperature_for(scores: NDArray[np.float64], confidence: float) -> float:
    means = [np.exp(_log_softmax(scores / value)).max(1).mean() for value in TEMPERATURES]
    return float(TEMPERATURES[int(np.argmin(np.abs(np.array(means) - confidence)))])


def _log_softmax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    scores = scores - scores.max(1, keepdims=True)
    return np.asarray(scores - np.log(np.exp(scores).sum(1, keepdims=True)))

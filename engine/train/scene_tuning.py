"""Fine-tuning for scenes: a last layer on frozen features first, then, if asked, the encoder."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ..assess.intervals import Estimate, clustered
from ..cards import Card
from ..data.blocks import hold_out, spatial_blocks
from ..errors import Cancelled, LabelsInvalid
from ..language import marked
from ..model.predictor import Predictor
from ..progress import Progress, Quiet
from .base_model import Base
from .calibration import calibrate
from .callbacks import Callback, EarlyStop, KeepBest, Report, Validate
from .device import choose_device
from .finetune import SupervisedLoss, predict
from .live_figures import figures, tell, titles
from .low_rank import add_adapters, merge_adapters
from .metrics import confusion_matrix
from .quick_head import LEVEL, Judged
from .rounds import Rounds
from .scene_batches import SceneBatches, WholeScenes
from .scene_chips import SceneChips
from .scene_head import (
    APART,
    JudgedScenes,
    figure,
    fit_scenes,
    install,
    judge_scenes,
    scene_means,
    scene_scores,
)
from .scene_samples import (
    COPIES,
    SceneSamples,
    build_scenes,
    classifier,
    learn_patches,
    measure,
    scene_light,
    whole_images,
)
from .trainer import Trainer, TrainingResult
from .tuning import Tuned

RATE = 3e-4  # where all weights of the encoder learn
CONFIDENCE = 0.9  # mean probability of the chosen class where nothing can be held back
FEW = 5  # scenes of a class from which on figures mean something
# The export is compared on noise, which has every texture at once: scores are large there, and so
# are their rounding errors.
EXPORT_TOLERANCE = 3e-3


def tune_scenes(
    base: Base,
    card: Card,
    chips: SceneChips,
    *,
    rounds: Rounds | None = None,
    seed: int = 0,
    device: str = "cpu",
    progress: Progress | None = None,
) -> Tuned:
    """Makes a scene classifier from labelled scenes.

    Args:
        base: Gives the encoder.
        card: Of the model to be; the predictor's card has the chips' window.
        chips: From `scene_chips.read_chips`.
        rounds: How the encoder learns on from the last layer on frozen features; what is better on scenes held back
            is kept. None: the encoder stays as it is, the last layer is fitted to its features.
        seed: Of every choice.
        device: Where to compute features: "auto", "cpu" or "gpu".
        progress: Told how far it is; a cancel while the encoder learns keeps the best so far.

    Returns:
        Predictor and figures. Of one label a scene `judged.mean_iou` holds accuracies, of several
        labels mean average precisions, and there is no matrix.

    Raises:
        LabelsInvalid: A class has no scene.
    """
    progress = progress or Progress()
    _check(chips, card, progress)
    tune = functools.partial(_tune_head, base, card, seed=seed, device=device)
    if rounds is None:
        return tune(chips, progress=progress)
    held = _held_back(chips, card, rounds.share, seed, progress)
    if not held.any():
        progress.warning(
            "Whether training the encoder helps cannot be seen without scenes held back: the head "
            "on frozen features is kept."
        )
        return tune(chips, progress=progress)
    learn, judging = chips.only(~held), chips.only(held)
    part = progress.part(0.0, 0.9)
    first = tune(learn, progress=part.part(0.0, 0.2))
    tuned = _tune_encoder(base, first, learn, judging, rounds, seed, part)
    if tuned.improved or tuned.cancelled:
        return tuned
    # That head was fitted without the scenes that were held back: here is one of all of them.
    try:
        whole = tune(chips, progress=Quiet(progress.part(0.9, 1.0)))
    except Cancelled:
        return dataclasses.replace(tuned, cancelled=True)
    return dataclasses.replace(whole, history=tuned.history, improved=False)


def _held_back(
    chips: SceneChips, card: Card, share: float, seed: int, progress: Progress
) -> NDArray[np.bool_]:
    """The scenes [M] to judge the encoder by, in whole places; none where there are too few."""
    split = hold_out(
        chips.row,
        chips.column,
        chips.label if chips.label.ndim == 1 else chips.label.argmax(1),
        chips.unit,
        share=share,
        distance=APART * chips.window,
        seed=seed,
        raster=chips.raster,
        names=titles(card.classes),
    )
    if split.warning:
        progress.warning(split.warning)
    return split.validation


def fit_head(
    predictor: Predictor, samples: SceneSamples, seed: int
) -> tuple[JudgedScenes, tuple[float, NDArray[np.float64]]]:
    """Judges, fits the last layer to all scenes and installs it.

    Args:
        predictor: Of a `PixelClassifier`, the one that gave the features.
        samples: Features of the scenes.
        seed: Of the parts that are held back.

    Returns:
        How it did, and the calibration.
    """
    chips = samples.chips
    judged = judge_scenes(samples, seed)
    model = fit_scenes(samples, np.ones(len(chips), bool), judged.tokens)
    if judged.folds:
        found = calibrate(judged.scores, chips.label)
    else:
        own = scene_scores(model, samples.features[0], chips)
        found = calibrate(own, chips.label, CONFIDENCE)
    install(classifier(predictor), model, *found)
    return judged, found


def _tune_head(
    base: Base, card: Card, chips: SceneChips, *, seed: int, device: str, progress: Progress
) -> Tuned:
    """A last layer on frozen features, judged by holding back each place in turn."""
    predictor = build_scenes(base, card, chips.window)
    progress.update(0.0, "Learning what small patches look like")
    learn_patches(predictor, whole_images(chips), seed)
    samples = measure(
        predictor,
        chips,
        copies=COPIES,
        seed=seed,
        device=choose_device(device),
        progress=progress.part(0.05, 0.85),
    )
    predictor.cpu()
    progress.update(0.85, "Fitting and judging the last layer")
    judged, (temperature, _) = fit_head(predictor, samples, seed)
    progress.state(parts=judged.folds)
    if judged.warning:
        progress.warning(judged.warning)
    measured = marked(
        f"scenes of {judged.blocks} places in {judged.folds} parts, each held back in turn (patches "
        "were learned from all of them, without labels); the model was then fitted to all of them"
    )
    told = Judged(
        _matrix(judged.scores, chips) if judged.folds else None,
        temperature,
        0,
        judged.folds,
        judged.blocks,
        judged.tried,
        judged.warning,
    )
    accuracy = None
    if judged.folds:
        tell(progress, "part_", judged.folds, _figures(judged.scores, chips, card))
        accuracy = _accuracy(judged.scores, chips)
    places = judged.blocks if judged.folds else 0
    return Tuned(predictor, told, told.matrix, measured, accuracy=accuracy, places=places)


def _tune_encoder(
    base: Base,
    first: Tuned,
    learn: SceneChips,
    held: SceneChips,
    rounds: Rounds,
    seed: int,
    progress: Progress,
) -> Tuned:
    """Trains the encoder, whole or by adapters, from where the last layer on frozen features ends."""
    predictor = _start_from(first, base, rounds, seed)
    card = predictor.card
    name = "map" if card.multilabel else "accuracy"
    # The head alone is a model already: from here on a cancel keeps the best so far.
    progress.state(keeps=True, rounds=rounds.epochs)
    before = _judge(first.predictor, held)
    tell(progress, "val_", 0, before)
    progress.log(f"{name} on held-back scenes before: {before[name]:.3f}")
    callbacks: list[Callback] = [
        Report(progress.part(0.2, 1.0)),
        Validate(lambda model: _judge(model, held)),
        KeepBest(f"val_{name}", largest=True),
        EarlyStop(f"val_{name}", rounds.patience, largest=True),
    ]
    loader = SceneBatches(learn, rounds.batch, rounds.steps, scene_light(card), seed=seed)
    loss = SupervisedLoss(card, smoothing=0.05)
    result = Trainer(predictor, loss, loader, rounds.trainer(seed, RATE), callbacks).fit()
    predictor.cpu().eval()
    if rounds.adapters:
        merge_adapters(classifier(predictor).encoder)
    improved = _improved(result, name, before[name], progress)
    if not improved:
        predictor = first.predictor
    scores = _scores(predictor, held)
    return Tuned(
        predictor,
        first.judged,
        _matrix(scores, held),
        measure=marked("scenes held back in whole places, at the best epoch by the same scenes"),
        history=result.history,
        cancelled=result.cancelled,
        accuracy=_accuracy(scores, held),
        places=len(np.unique(_places(held))),
        improved=improved,
    )


def _start_from(first: Tuned, base: Base, rounds: Rounds, seed: int) -> Predictor:
    """The network of a head on frozen features, ready for its encoder to learn."""
    card = first.predictor.card
    predictor = build_scenes(base, card, card.window, rounds.drop_path)
    predictor.network.load_state_dict(first.predictor.network.state_dict())
    if rounds.adapters:
        torch.manual_seed(seed)
        add_adapters(classifier(predictor).encoder)
    return predictor


def _improved(result: TrainingResult, name: str, start: float, progress: Progress) -> bool:
    """Whether the encoder learned something; where not, the user is told that the head is kept."""
    if result.cancelled and not result.history:
        progress.log("Stopped before the first round ended: the head on frozen features is kept.")
        return False
    best = max((entry.get(f"val_{name}", 0.0) for entry in result.history), default=0.0)
    if best > start:
        return True
    progress.warning(
        f"Training the encoder did not improve the labels of held-back scenes ({best:.3f} "
        f"against {start:.3f}): the head on frozen features is kept."
    )
    return False


def _scores(predictor: Predictor, chips: SceneChips) -> NDArray[np.float64]:
    """Mean probabilities [M, K] of scenes, as inference gives them."""
    chances, _ = predict(predictor, WholeScenes(chips, 16))
    return scene_means(chances.astype(np.float64), chips)


def _judge(model: nn.Module, chips: SceneChips) -> dict[str, float]:
    """Figures on scenes: accuracy and the IoU of each class, or mean average precision."""
    if not isinstance(model, Predictor):
        raise TypeError(f"Expected a Predictor, given {type(model).__name__}.")
    return _figures(_scores(model, chips), chips, model.card)


def _figures(scores: NDArray[np.float64], chips: SceneChips, card: Card) -> dict[str, float]:
    matrix = _matrix(scores, chips)
    if matrix is None:
        return {"map": figure(scores, chips.label)}
    return figures(matrix, titles(card.classes))


def _places(chips: SceneChips) -> NDArray[np.int64]:
    """The place of each scene [M]: those whose windows touch are one."""
    return spatial_blocks(chips.row, chips.column, chips.unit, chips.window, chips.raster)


def _accuracy(scores: NDArray[np.float64], chips: SceneChips) -> Estimate:
    """Accuracy with its interval; of several labels a scene mean average precision, which has none."""
    if chips.label.ndim == 2:
        return Estimate(figure(scores, chips.label))
    return clustered(scores.argmax(1) == chips.label, _places(chips), LEVEL)


def _matrix(scores: NDArray[np.float64], chips: SceneChips) -> NDArray[np.int64] | None:
    """Confusion matrix, true classes in rows; of several labels a scene there is none."""
    if chips.label.ndim == 2:
        return None
    return confusion_matrix(chips.label, scores.argmax(1), chips.classes)


def _check(chips: SceneChips, card: Card, progress: Progress) -> None:
    """Refuses classes without a scene, and warns of those with few."""
    one_label = chips.label.ndim == 1
    counts = np.bincount(chips.label, minlength=chips.classes) if one_label else chips.label.sum(0)
    names = np.array(titles(card.classes))
    missing, few = names[counts == 0], names[(counts > 0) & (counts < FEW)]
    if len(missing):
        raise LabelsInvalid(
            f"No usable scene is labelled as {', '.join(missing[:5])}. Label some on the rasters, "
            "or leave the class out."
        )
    if len(few):
        progress.warning(
            f"{', '.join(few[:5])}: fewer than {FEW} scenes. Label more; figures from so few say "
            "little."
        )

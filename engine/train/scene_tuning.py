"""Fine-tuning for scenes: fits a last layer on frozen features, then trains the encoder if requested."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
from numpy.typing import NDArray

from ..cards import Card
from ..data.blocks import hold_out
from ..errors import Cancelled, LabelsInvalid
from ..language import marked
from ..model.predictor import Predictor
from ..progress import Progress, Quiet
from .base_model import Base
from .calibration import calibrate
from .device import choose_device
from .head_tuning import Tuned
from .judging import Judged
from .live_figures import tell, titles
from .rounds import Rounds
from .scene_chips import SceneChips
from .scene_encoder_tuning import tune_scene_encoder
from .scene_figures import accuracy_of, figures_of, matrix_of
from .scene_head import (
    APART,
    JudgedScenes,
    fit_scenes,
    install,
    judge_scenes,
    scene_scores,
)
from .scene_samples import (
    COPIES,
    SceneSamples,
    build_scenes,
    classifier,
    learn_patches,
    measure,
    whole_images,
)

CONFIDENCE = 0.9  # assumed mean probability of the predicted class if no scenes can be held out
FEW = 5  # scenes of a class; with fewer, figures are unreliable
# The export is compared on noise, which contains all textures at once. Scores are large there, and so are
# their rounding errors.
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
        base: The base model, which provides the encoder.
        card: Card of the future model; the predictor's card has the chips' window.
        chips: Scenes from `scene_chips.read_chips`.
        rounds: How to train the encoder after the last layer on frozen features; the better of the two on held-out
            scenes is kept. None leaves the encoder frozen.
        seed: Seed of all random choices.
        device: Device that computes features: "auto", "cpu" or "gpu".
        progress: Takes the progress; a cancel while the encoder is trained keeps the best model so far.

    Returns:
        Predictor and figures. `judged.mean_iou` holds accuracies for scenes with one label, and mean
        average precisions for multi-label scenes, which have no matrix.

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
            "Without held-back scenes, it is not known whether training the backbone helps. The model with an "
            "unchanged backbone is kept."
        )
        return tune(chips, progress=progress)
    learn, judging = chips.only(~held), chips.only(held)
    part = progress.part(0.0, 0.9)
    first = tune(learn, progress=part.part(0.0, 0.2))
    tuned = tune_scene_encoder(base, first, learn, judging, rounds, seed, part)
    if tuned.improved or tuned.cancelled:
        return tuned
    # That head was fitted without the held-out scenes, so fit one to all scenes.
    try:
        whole = tune(chips, progress=Quiet(progress.part(0.9, 1.0)))
    except Cancelled:
        return dataclasses.replace(tuned, cancelled=True)
    return dataclasses.replace(whole, history=tuned.history, improved=False)


def _held_back(
    chips: SceneChips, card: Card, share: float, seed: int, progress: Progress
) -> NDArray[np.bool_]:
    """Mask of the scenes to hold out, in whole places [M]; none if there are too few."""
    split = hold_out(
        chips.positions,
        chips.label if chips.label.ndim == 1 else chips.label.argmax(1),
        share=share,
        distance=APART * chips.window,
        seed=seed,
        names=titles(card.classes),
    )
    if split.warning:
        progress.warning(split.warning)
    return split.validation


def fit_head(
    predictor: Predictor, samples: SceneSamples, seed: int
) -> tuple[JudgedScenes, tuple[float, NDArray[np.float64]]]:
    """Cross-validates the last layer, fits it to all scenes and installs it.

    Args:
        predictor: Predictor of a `PixelClassifier`, the one that computed the features.
        samples: Features of the scenes.
        seed: Seed of the folds.

    Returns:
        The result of the cross-validation, and the calibration.
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
    """Fits a last layer on frozen features, and evaluates it by spatial cross-validation."""
    predictor = build_scenes(base, card, chips.window)
    progress.update(0.0, "Learning small image patterns")
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
    progress.update(0.85, "Training and assessing the last layer")
    judged, (temperature, _) = fit_head(predictor, samples, seed)
    progress.state(parts=judged.folds)
    if judged.warning:
        progress.warning(judged.warning)
    measured = marked(
        f"scenes of {judged.blocks} places in {judged.folds} parts, each held back in turn (small image patterns were "
        "learned from all of them, without labels); the model was then trained on all of them"
    )
    told = Judged(
        matrix_of(judged.scores, chips) if judged.folds else None,
        temperature,
        0,
        judged.folds,
        judged.blocks,
        judged.tried,
        judged.warning,
    )
    accuracy = None
    if judged.folds:
        tell(progress, "part_", judged.folds, figures_of(judged.scores, chips, card))
        accuracy = accuracy_of(judged.scores, chips)
    places = judged.blocks if judged.folds else 0
    return Tuned(predictor, told, told.matrix, measured, accuracy=accuracy, places=places)


def _check(chips: SceneChips, card: Card, progress: Progress) -> None:
    """Refuses classes without scenes, and warns of classes with few."""
    one_label = chips.label.ndim == 1
    counts = np.bincount(chips.label, minlength=chips.classes) if one_label else chips.label.sum(0)
    names = np.array(titles(card.classes))
    missing, few = names[counts == 0], names[(counts > 0) & (counts < FEW)]
    if len(missing):
        raise LabelsInvalid(
            f"No usable scene is labelled as {', '.join(missing[:5])}. Label some on the rasters, or leave out the "
            "class."
        )
    if len(few):
        progress.warning(
            f"{', '.join(few[:5])}: fewer than {FEW} scenes. Label more of them: accuracy figures from so few are not "
            "reliable."
        )

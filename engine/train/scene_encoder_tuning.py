"""Fine-tuning for scenes beyond the last layer: trains the encoder as well, as a whole or by adapters."""

from __future__ import annotations

import numpy as np
import torch

from ..language import marked
from ..model.predictor import Predictor
from ..progress import Progress
from .base_model import Base
from .callbacks import Callback, EarlyStop, KeepBest, Report, Validate
from .head_tuning import Tuned
from .live_figures import tell
from .low_rank import add_adapters, merge_adapters
from .rounds import Rounds
from .scene_batches import SceneBatches
from .scene_chips import SceneChips
from .scene_figures import accuracy_of, held_scores, judge_held, matrix_of, places_of
from .scene_samples import build_scenes, classifier, scene_light
from .supervised import SupervisedLoss
from .trainer import Trainer, TrainingResult

RATE = 3e-4  # learning rate if all weights of the encoder are trained


def tune_scene_encoder(
    base: Base,
    first: Tuned,
    learn: SceneChips,
    held: SceneChips,
    rounds: Rounds,
    seed: int,
    progress: Progress,
) -> Tuned:
    """Trains the encoder, as a whole or by adapters, starting from a last layer on frozen features.

    Args:
        base: The base model, which provides the encoder.
        first: The last layer on frozen features, fitted to `learn`.
        learn: Training scenes.
        held: Held-out scenes for evaluation.
        rounds: How long to train, and which part of the encoder.
        seed: Seed of all random choices.
        progress: Takes progress, metrics, log and warnings.
    """
    predictor = _start_from(first, base, rounds, seed)
    card = predictor.card
    name = "map" if card.multilabel else "accuracy"
    # The head alone is a usable model: from here on a cancel keeps the best model so far.
    progress.state(keeps=True, rounds=rounds.epochs)
    before = judge_held(first.predictor, held)
    tell(progress, "val_", 0, before)
    progress.log(f"{name} on held-back scenes before training: {before[name]:.3f}")
    callbacks: list[Callback] = [
        Report(progress.part(0.2, 1.0)),
        Validate(lambda model: judge_held(model, held)),
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
    scores = held_scores(predictor, held)
    return Tuned(
        predictor,
        first.judged,
        matrix_of(scores, held),
        measure=marked(
            "scenes held back in whole places, at the best epoch according to the same scenes"
        ),
        history=result.history,
        cancelled=result.cancelled,
        accuracy=accuracy_of(scores, held),
        places=len(np.unique(places_of(held))),
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
    """Whether training the encoder improved the labels; if not, tells the user that the head alone is kept."""
    if result.cancelled and not result.history:
        progress.log(
            "Stopped before the end of the first epoch. The model with an unchanged backbone is kept."
        )
        return False
    best = max((entry.get(f"val_{name}", 0.0) for entry in result.history), default=0.0)
    if best > start:
        return True
    progress.warning(
        f"Training the backbone did not improve the accuracy on held-back scenes ({best:.3f} instead of {start:.3f}). "
        "The model with an unchanged backbone is kept."
    )
    return False

"""Fine-tuning for maps beyond the head: trains the encoder as well, as a whole or by adapters."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from ..assess.intervals import clustered
from ..data.blocks import spatial_blocks
from ..language import marked
from ..model.predictor import Predictor
from ..progress import Progress
from .base_model import Base
from .callbacks import Callback, EarlyStop, KeepBest, Report, Validate
from .head_tuning import Tuned, build, light_of
from .judging import DISTANCE, LEVEL
from .labelled_ground import LabelledGround, positions_of
from .labelled_windows import LabelledWindows, WholeWindows
from .live_figures import figures, tell, titles
from .low_rank import add_adapters, merge_adapters
from .metrics import confusion_matrix
from .pixel_features import tuned_network
from .rounds import Rounds
from .supervised import IGNORE, SupervisedLoss, predict
from .taught_windows import TaughtLoss, TaughtWindows
from .trainer import Loss, Trainer, TrainingResult

RATE = 5e-4  # learning rate if all weights of the encoder are trained


def tune_weights(
    base: Base,
    first: Tuned,
    learn: Sequence[LabelledGround],
    held: Sequence[LabelledGround],
    rounds: Rounds,
    *,
    teacher: Predictor | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Tuned:
    """Trains the head, and the encoder as a whole or by adapters, starting from a head on frozen features.

    Args:
        base: The base model, which provides the encoder.
        first: The head on frozen features, fitted to `learn`.
        learn: Rasters with the training labels.
        held: Rasters with the held-out labels; if empty, the weights of the last epoch are kept.
        rounds: How long to train, and which part of the encoder.
        teacher: A class map's model fitted to the rasters of `learn` without changes of light. Its predictions for all
            pixels are learned too, under changed light unless it is `first` itself. None to learn from labels alone.
        seed: Seed of all random choices.
        progress: Takes progress, metrics, log and warnings.
    """
    progress = progress or Progress()
    predictor = _start_from(first, base, rounds, seed, 0.0 if teacher else rounds.drop_path)
    card = predictor.card
    # The head alone is a usable model: from here on a cancel keeps the best model so far.
    progress.state(keeps=True, rounds=rounds.epochs)
    callbacks: list[Callback] = [Report(progress)]
    windows, start = None, {}
    if held:
        windows = WholeWindows(held, card.window, rounds.batch)
        start = figure(predictor, windows)
        tell(progress, "val_", 0, start)
        progress.log(f"Mean overlap (IoU) on held-back labels before training: {start['miou']:.3f}")
        callbacks += _keep_the_best(windows, rounds.patience)
    side, light = rounds.window or card.window, light_of(card)
    loader: LabelledWindows
    loss: Loss
    if teacher is None:
        loader = LabelledWindows(learn, side, rounds.batch, rounds.steps, light, seed=seed)
        loss, how = SupervisedLoss(card, smoothing=0.05), rounds.trainer(seed, RATE)
    else:
        other = None if teacher is first.predictor else light
        loader = TaughtWindows(learn, side, rounds.batch, rounds.steps, other, seed)
        loss, how = TaughtLoss(teacher, learn), rounds.taught(seed)
    result = Trainer(predictor, loss, loader, how, callbacks).fit()
    for used in (predictor, teacher or predictor):
        used.cpu()
    if rounds.adapters:
        merge_adapters(tuned_network(predictor).encoder)
    improved = _improved(result, start, progress)
    tuned = Tuned(
        predictor.eval() if improved else first.predictor.eval(),
        first.judged,
        matrix=None,
        measure=marked(
            "labels held back in whole places, at the best epoch according to the same labels"
        ),
        history=result.history,
        cancelled=result.cancelled,
        improved=improved,
    )
    if windows is None:
        return tuned
    return _judged(tuned, windows, places_of(held, card.window, rounds.batch))


def _start_from(first: Tuned, base: Base, rounds: Rounds, seed: int, drop_path: float) -> Predictor:
    """The network of a head on frozen features, ready for its encoder to learn."""
    predictor = build(base, first.predictor.card, first.judged.hidden, drop_path)
    predictor.network.load_state_dict(first.predictor.network.state_dict())
    if rounds.adapters:
        torch.manual_seed(seed)
        add_adapters(tuned_network(predictor).encoder)
    return predictor


def _judged(tuned: Tuned, windows: WholeWindows, place: NDArray[np.int64]) -> Tuned:
    """Adds the accuracy on the held-out windows, and the number of their places."""
    chances, label = predict(tuned.predictor, windows)
    found = chances.argmax(1)
    return dataclasses.replace(
        tuned,
        matrix=confusion_matrix(label, found, chances.shape[1]),
        accuracy=clustered(found == label, place, LEVEL),
        places=len(np.unique(place)),
    )


def _keep_the_best(windows: WholeWindows, patience: int) -> list[Callback]:
    """Callbacks that evaluate every epoch on held-out labels and keep the best one."""
    return [
        Validate(lambda model: figure(model, windows)),
        KeepBest("val_miou", largest=True),
        EarlyStop("val_miou", patience, largest=True),
    ]


def _improved(result: TrainingResult, start: dict[str, float], progress: Progress) -> bool:
    """Whether training the encoder improved the map; if not, tells the user that the head alone is kept."""
    if result.cancelled and not result.history:
        progress.log(
            "Stopped before the end of the first epoch. The model with an unchanged backbone is kept."
        )
        return False
    if not start:  # there are no held-out labels to decide by
        return True
    best = max((entry["val_miou"] for entry in result.history if "val_miou" in entry), default=0.0)
    if best > start["miou"]:
        return True
    progress.warning(
        f"Training the backbone did not improve the accuracy on held-back labels ({best:.3f} instead of "
        f"{start['miou']:.3f}). The model with an unchanged backbone is kept."
    )
    return False


def figure(model: torch.nn.Module, windows: WholeWindows) -> dict[str, float]:
    """Mean IoU, accuracy and the IoU of each class on labelled windows."""
    if not isinstance(model, Predictor):
        raise TypeError(f"Expected a Predictor, given {type(model).__name__}.")
    matrix = confusion(model, windows, len(model.card.classes))
    return figures(matrix, titles(model.card.classes))


def places_of(grounds: Sequence[LabelledGround], size: int, batch: int) -> NDArray[np.int64]:
    """The place of every labelled pixel, in the order of `predict` on `WholeWindows`.

    Labels closer than `DISTANCE` form one place: as they are nearly copies of each other, they do not make
    an accuracy more certain than one of them does.
    """
    sizes = [len(ground.pixels) for ground in grounds]
    block = spatial_blocks(positions_of(grounds), DISTANCE) + IGNORE + 1
    numbered = [
        dataclasses.replace(ground, pixels=dataclasses.replace(ground.pixels, label=part))  # type: ignore[arg-type]
        for ground, part in zip(grounds, np.split(block, np.cumsum(sizes)[:-1]))
    ]
    found = []
    for given in WholeWindows(numbered, size, batch):
        label, valid = given["label"], given["valid"][:, 0] > 0
        found.append(label[valid & (label != IGNORE)].numpy())
    return np.concatenate(found)


def confusion(predictor: Predictor, windows: WholeWindows, classes: int) -> NDArray[np.int64]:
    """Confusion matrix on labelled windows, true classes in rows."""
    probabilities, labels = predict(predictor, windows)
    return confusion_matrix(labels, probabilities.argmax(1), classes)

"""Fine-tuning of any network for the three tasks, by the inputs of the prediction contract.

A batch holds `image` (or `before` and `after`) [B, C, H, W] in the card's unit, `valid`
[B, 1, H, W], `groups` [G'] if some are missing, and `label`:

- segmentation, change-detection: int64 [B, H, W], channel indices from 0, `IGNORE` where unknown;
- scene-classification: int64 [B], or float [B, K] (multi-label, or soft after mixup).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..cards import Card
from ..errors import InvalidParameter
from ..model.predictor import Predictor
from ..progress import Progress
from .callbacks import Callback, Checkpoint, EarlyStop, KeepBest, Report, Validate
from .metrics import confusion_matrix, f1_score, mean_average_precision, mean_iou, overall_accuracy
from .trainer import Batch, Loader, Trainer, TrainerConfig, TrainingResult

IGNORE = 255
BALANCES = ("none", "root", "full")


class SupervisedLoss:
    """Cross-entropy for the card's task, on valid and labelled pixels."""

    def __init__(
        self,
        card: Card,
        *,
        class_weights: Sequence[float] | None = None,
        smoothing: float = 0.0,
        dice: float = 0.0,
    ) -> None:
        """Prepares the loss.

        Args:
            card: Says task, classes and whether labels are multi-label.
            class_weights: One a class, see `balanced_weights`.
            smoothing: Share of each label that is spread over all classes.
            dice: Weight of a soft Dice term beside cross-entropy, for maps with rare classes.
        """
        self._card = card
        self._weights = None if class_weights is None else torch.tensor(class_weights).float()
        self._smoothing = smoothing
        self._dice = dice

    def __call__(self, model: nn.Module, batch: Batch) -> Tensor:
        """The loss of a `Predictor` on a batch."""
        logits, label = scores(model, batch).float(), batch["label"]
        weights = None if self._weights is None else self._weights.to(logits.device)
        if self._card.multilabel:
            return F.binary_cross_entropy_with_logits(logits, label.float(), pos_weight=weights)
        if label.is_floating_point():
            return F.cross_entropy(logits, label, weights, label_smoothing=self._smoothing)
        label = _masked(label, batch)
        known = label != IGNORE
        if not bool(known.any()):
            return logits.sum() * 0.0
        entropy = F.cross_entropy(
            logits, label, weights, ignore_index=IGNORE, label_smoothing=self._smoothing
        )
        return entropy + self._dice * _dice(logits, label, known) if self._dice else entropy


def scores(predictor: nn.Module, batch: Batch) -> Tensor:
    """Logits of a `Predictor` for a batch.

    Raises:
        InvalidParameter: The model is no predictor.
    """
    if not isinstance(predictor, Predictor):
        raise InvalidParameter(
            f"Fine-tuning takes a Predictor, given {type(predictor).__name__}. "
            "Wrap the network and its card in one."
        )
    return predictor.logits(*predictor_inputs(predictor, batch))


def predictor_inputs(predictor: Predictor, batch: Batch) -> tuple[Tensor, ...]:
    """The inputs of a predictor in its order; a batch without groups or valid has all of them."""
    image = batch[predictor.images[0]]
    inputs = []
    for name in predictor.input_names:
        if name == "groups" and name not in batch:
            inputs.append(torch.arange(predictor.groups, device=image.device))
        elif name == "valid" and name not in batch:
            inputs.append(image.new_ones(image.shape[0], 1, *image.shape[2:]))
        else:
            inputs.append(batch[name])
    return tuple(inputs)


def balanced_weights(counts: np.ndarray, balance: str = "root") -> list[float]:
    """Weights of the classes from how often each occurs.

    Args:
        counts: Labelled samples of each class [K].
        balance: "none", "full" (inverse frequency) or "root" (its square root, which does not let
            a handful of pixels rule).

    Returns:
        One weight a class, 0 for a class that does not occur; their mean over the samples is 1.

    Raises:
        InvalidParameter: The balance is unknown, or nothing is labelled.
    """
    counts = np.asarray(counts, float)
    if balance not in BALANCES or counts.sum() <= 0:
        raise InvalidParameter(
            f"Class weights need one of {', '.join(BALANCES)} and labels to count, given '{balance}' "
            f"and {int(counts.sum())} labels. Label some pixels of each class."
        )
    power = {"none": 0.0, "root": 0.5, "full": 1.0}[balance]
    weights = np.where(counts > 0, np.maximum(counts, 1) ** -power, 0.0)
    return [float(value) for value in weights * counts.sum() / (weights * counts).sum()]


def finetune(
    predictor: Predictor,
    loader: Loader,
    config: TrainerConfig,
    *,
    loss: Callable[[nn.Module, Batch], Tensor] | None = None,
    validation: Loader | None = None,
    metric: str = "",
    patience: int = 0,
    checkpoint: str | Path | None = None,
    progress: Progress | None = None,
) -> TrainingResult:
    """Trains a predictor in place and leaves it with the weights of its best epoch.

    Args:
        predictor: Network and card.
        loader: Training batches.
        config: How to train; `layer_decay` .75 suits a pretrained encoder.
        loss: By default `SupervisedLoss` of the card.
        validation: Batches to judge by after each epoch; without them the last epoch is kept.
        metric: Figure to judge by, see `evaluate`; by default the first.
        patience: Epochs without improvement after which to stop, 0 for never.
        checkpoint: File to resume from after a kill.
        progress: Told about steps and figures; a cancel keeps the best epoch.
    """
    callbacks: list[Callback] = [Report(progress or Progress())]
    if validation is not None:
        judged = f"val_{metric or default_metric(predictor.card)}"
        callbacks.append(Validate(lambda model: evaluate(model, validation)))
        callbacks.append(KeepBest(judged, largest=True))
        if patience:
            callbacks.append(EarlyStop(judged, patience, largest=True))
    if checkpoint is not None:
        callbacks.append(Checkpoint(checkpoint))
    return Trainer(
        predictor, loss or SupervisedLoss(predictor.card), loader, config, callbacks
    ).fit()


def default_metric(card: Card) -> str:
    """By what a task is judged when nothing else is said."""
    if card.multilabel:
        return "map"
    return "accuracy" if card.task == "scene-classification" else "miou"


@torch.no_grad()
def predict(predictor: Predictor, loader: Loader) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities and labels of every sample, pixels flattened and unknown ones left out.

    Returns:
        float32 [N, K] and int64 [N], or float [N, K] for multi-label.
    """
    predictor.eval()
    device = next(predictor.parameters()).device
    probabilities, labels = [], []
    for whole in loader:
        batch = {name: value.to(device) for name, value in whole.items()}
        given, label = predictor(*predictor_inputs(predictor, batch)).float(), batch["label"]
        if given.ndim == 4:
            known = _masked(label, batch) != IGNORE
            given, label = given.permute(0, 2, 3, 1)[known], label[known]  # [N, K], [N]
        probabilities.append(given.cpu().numpy())
        labels.append(label.cpu().numpy())
    return np.concatenate(probabilities), np.concatenate(labels)


def evaluate(predictor: nn.Module, loader: Loader) -> Mapping[str, float]:
    """Figures of a predictor on labelled batches: accuracy, miou and f1 (means), or map."""
    if not isinstance(predictor, Predictor):
        raise InvalidParameter(f"Expected a Predictor, given {type(predictor).__name__}.")
    probabilities, labels = predict(predictor, loader)
    if predictor.card.multilabel:
        return {"map": mean_average_precision(labels > 0.5, probabilities)}
    matrix = confusion_matrix(labels, probabilities.argmax(1), probabilities.shape[1])
    return {
        "accuracy": overall_accuracy(matrix),
        "miou": mean_iou(matrix),
        "f1": float(np.nanmean(f1_score(matrix))) if matrix.any() else float("nan"),
    }


def _masked(label: Tensor, batch: Batch) -> Tensor:
    """Labels with `IGNORE` where no pixel is valid."""
    if label.ndim < 3 or "valid" not in batch:
        return label
    return torch.where(batch["valid"][:, 0] > 0, label, IGNORE)


def _dice(logits: Tensor, label: Tensor, known: Tensor) -> Tensor:
    """One minus the mean soft Dice coefficient of the classes that are labelled in the batch."""
    share = logits.softmax(1) * known[:, None]  # [B, K, H, W]
    target = (
        F.one_hot(torch.where(known, label, 0), logits.shape[1]).movedim(-1, 1) * known[:, None]
    )
    axes = [axis for axis in range(logits.ndim) if axis != 1]
    both, sizes = (share * target).sum(axes), (share + target).sum(axes)
    present = target.sum(axes) > 0
    return 1 - (2 * both[present] / sizes[present]).mean()

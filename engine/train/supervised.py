"""Supervised loss and prediction for all three tasks, on the inputs of the prediction contract.

A batch holds `image` (or `before` and `after`) [B, C, H, W] in the card's unit, `valid`
[B, 1, H, W], `groups` [G'] if some are missing, and `label`:

- segmentation, change-detection: int64 [B, H, W], channel indices from 0, `IGNORE` where unknown;
- scene-classification: int64 [B], or float [B, K] (multi-label, or soft after mixup).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..cards import Card
from ..errors import InvalidParameter
from ..model.predictor import Predictor
from .trainer import Batch, Loader

IGNORE = 255


class SupervisedLoss:
    """Cross-entropy for the card's task, on valid and labelled pixels."""

    def __init__(self, card: Card, smoothing: float = 0.0) -> None:
        """Prepares the loss.

        Args:
            card: Card with the task, the classes, and whether labels are multi-label.
            smoothing: Label smoothing: share of each label that is spread over all classes.
        """
        self._card, self._smoothing = card, smoothing

    def __call__(self, model: nn.Module, batch: Batch) -> Tensor:
        """The loss of a `Predictor` on a batch."""
        logits, label = scores(model, batch).float(), batch["label"]
        if self._card.multilabel:
            return F.binary_cross_entropy_with_logits(logits, label.float())
        if label.is_floating_point():
            return F.cross_entropy(logits, label, label_smoothing=self._smoothing)
        label = _masked(label, batch)
        if not bool((label != IGNORE).any()):
            return logits.sum() * 0.0
        return F.cross_entropy(logits, label, ignore_index=IGNORE, label_smoothing=self._smoothing)


def scores(predictor: nn.Module, batch: Batch) -> Tensor:
    """Logits of a `Predictor` for a batch.

    Raises:
        InvalidParameter: The model is not a predictor.
    """
    if not isinstance(predictor, Predictor):
        raise InvalidParameter(
            f"Fine-tuning takes a Predictor, given {type(predictor).__name__}. "
            "Wrap the network and its card in one."
        )
    return predictor.logits(*predictor_inputs(predictor, batch))


def predictor_inputs(predictor: Predictor, batch: Batch) -> tuple[Tensor, ...]:
    """A predictor's inputs in its order; without groups or valid in a batch, all groups or pixels are assumed."""
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


@torch.no_grad()
def predict(predictor: Predictor, loader: Loader) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities and labels of all samples; pixels are flattened, without unlabelled ones.

    Returns:
        Probabilities float32 [N, K], and labels int64 [N], or float [N, K] for multi-label scenes.
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


def _masked(label: Tensor, batch: Batch) -> Tensor:
    """Sets labels of invalid pixels to `IGNORE`."""
    if label.ndim < 3 or "valid" not in batch:
        return label
    return torch.where(batch["valid"][:, 0] > 0, label, IGNORE)

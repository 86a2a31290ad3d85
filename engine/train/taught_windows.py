"""Trains on unlabelled pixels too: a network learns, under changed light, what a teacher predicts without.

A head fitted to these rasters alone predicts them best, under their own light. Its predictions for all pixels teach
the new network, which sees the same windows under changed light (distillation: Hinton et al. 2015; on augmented
unlabelled images: Xie et al. 2020).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from rasterio.windows import Window
from torch import Tensor, nn
from torch.nn import functional as F

from ..model.predictor import Predictor
from .labelled_ground import LabelledGround
from .labelled_windows import LabelledWindows, prepare, read_labelled
from .light import Light, draw_changes, relight
from .supervised import IGNORE, predictor_inputs, scores
from .trainer import Batch

RELIT = 0.75  # share of the windows whose light is changed
LABELS = 0.3  # weight of the labels relative to the teacher's predictions for all pixels
SMOOTHING = 0.05
TAUGHT = "taught"  # name of the teacher's image, with unchanged light


class TaughtWindows(LabelledWindows):
    """Windows of the model's size, half of them around labels and half anywhere in the rasters."""

    def __init__(
        self,
        grounds: Sequence[LabelledGround],
        size: int,
        batch: int,
        steps: int,
        light: Light | None,
        seed: int = 0,
    ) -> None:
        """Prepares the drawing of windows; see `LabelledWindows`. If `light` is None, light is not changed."""
        still = Light(0.0, 0.0, 0.0)
        super().__init__(grounds, size, batch, steps, light or still, scale=(1.0, 1.0), seed=seed)
        self._relit = RELIT if light else 0.0

    def _draw(self, generator: np.random.Generator) -> dict[str, Any]:
        around = bool(generator.integers(2))
        ground, window = self._at_labels(generator) if around else self._anywhere(generator)
        feeds, label = read_labelled(ground, window)
        element = int(generator.integers(8))
        plain = prepare(feeds, label, self._size, element)
        seen = plain
        if generator.random() < self._relit:
            lit = relight(feeds, draw_changes(feeds, self._light, generator))
            seen = prepare(lit, label, self._size, element)
        return {**seen, TAUGHT: plain["image"]}

    def _anywhere(self, generator: np.random.Generator) -> tuple[LabelledGround, Window]:
        """Draws a window anywhere in one of the rasters, which are equally likely."""
        ground = self._grounds[int(generator.integers(len(self._grounds)))]
        top, left = (
            int(generator.integers(max(0, length - self._size) + 1)) for length in ground.shape
        )
        return ground, Window(left, top, self._size, self._size)


class TaughtLoss:
    """Kullback-Leibler divergence from the teacher's predictions for all pixels, plus cross-entropy with the labels."""

    def __init__(self, teacher: Predictor, grounds: Sequence[LabelledGround]) -> None:
        """Prepares the loss.

        Args:
            teacher: A predictor of the same classes; it is not trained.
            grounds: Rasters with the labels; all classes have the same weight.
        """
        self._teacher = teacher.eval()
        counts = np.zeros(len(teacher.card.classes))
        for ground in grounds:
            counts += np.bincount(ground.pixels.label, minlength=len(counts))
        weight = counts.sum() / np.maximum(counts, 1) / len(counts)
        self._weight = torch.from_numpy(weight.astype(np.float32))

    def __call__(self, model: nn.Module, batch: Batch) -> Tensor:
        """The loss of a `Predictor` on a batch of `TaughtWindows`."""
        logits = scores(model, batch).float()
        valid = batch["valid"][:, 0] > 0
        with torch.no_grad():
            given = self._teacher.to(logits.device)(
                *predictor_inputs(self._teacher, {**batch, "image": batch[TAUGHT]})
            )
        apart = F.kl_div(logits.log_softmax(1), given.float(), reduction="none").sum(1)  # [B, H, W]
        loss = (apart * valid).sum() / valid.sum().clamp_min(1)
        label = torch.where(valid, batch["label"], IGNORE)
        if not bool((label != IGNORE).any()):
            return loss
        weight = self._weight.to(logits.device)
        return loss + LABELS * F.cross_entropy(
            logits, label, weight, ignore_index=IGNORE, label_smoothing=SMOOTHING
        )

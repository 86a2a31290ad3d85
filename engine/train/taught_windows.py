"""Training on pixels that nobody labelled: one network under another light is to say what another says without.

A head that is made for these very rasters knows them best, under their own light. What it says of every pixel
teaches the network that is to be, which sees the same windows under other lights (distillation: Hinton et al.
2015; of unlabelled images under changes: Xie et al. 2020).
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

RELIT = 0.75  # of the windows
LABELS = 0.3  # weight of the labels beside what the teacher says of all pixels
SMOOTHING = 0.05
TAUGHT = "taught"  # name of the image as the teacher sees it


class TaughtWindows(LabelledWindows):
    """Windows as large as the model's, half of them around labels, half anywhere in the rasters."""

    def __init__(
        self,
        grounds: Sequence[LabelledGround],
        size: int,
        batch: int,
        steps: int,
        light: Light | None,
        seed: int = 0,
    ) -> None:
        """Prepares the draw; arguments as of `LabelledWindows`, without a light none is changed."""
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
        """A window anywhere in one of the rasters, each as often as the others."""
        ground = self._grounds[int(generator.integers(len(self._grounds)))]
        top, left = (
            int(generator.integers(max(0, length - self._size) + 1)) for length in ground.shape
        )
        return ground, Window(left, top, self._size, self._size)


class TaughtLoss:
    """How far a network is from what its teacher says of all pixels, and from the labels."""

    def __init__(self, teacher: Predictor, grounds: Sequence[LabelledGround]) -> None:
        """Prepares the loss.

        Args:
            teacher: Of the same classes; left as it is.
            grounds: With the labels, of which every class counts alike.
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

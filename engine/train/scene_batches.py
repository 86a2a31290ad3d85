"""Batches of labelled scenes with balanced classes, augmentation, mixup and CutMix."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..data.augmentation import cutmix, mixup, random_crop, resize_image, resize_valid
from .light import Light
from .scene_chips import SceneChips
from .scene_samples import relit

_MIXES = (mixup, cutmix, None, None)  # how a batch is mixed, each equally likely
SCALE = (0.5, 1.0)  # smallest and largest share of a chip's area in a crop


class SceneBatches:
    """A loader for the trainer: random windows of scenes.

    The windows of an epoch depend only on the seed and the epoch's number.
    """

    def __init__(
        self, chips: SceneChips, batch: int, steps: int, light: Light, *, seed: int = 0
    ) -> None:
        """Prepares the drawing of windows.

        Args:
            chips: Scenes to learn from.
            batch: Windows per batch.
            steps: Batches per epoch.
            light: How strongly light is changed.
            seed: Seed of the random generator.
        """
        self._chips, self._batch, self._steps = chips, batch, steps
        self._light, self._seed, self._epoch = light, seed, 0
        self._target = targets(chips)
        self._members = [found for found in map(np.flatnonzero, self._target.T > 0) if len(found)]
        self._windows = np.split(
            np.arange(len(chips.scene)), np.flatnonzero(np.diff(chips.scene)) + 1
        )

    def set_epoch(self, epoch: int) -> None:
        """Sets the epoch to draw next."""
        self._epoch = epoch

    def __len__(self) -> int:
        """Number of batches per epoch."""
        return self._steps

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        """Yields image [B, C, S, S], valid [B, 1, S, S], groups [G'] and label float32 [B, K]."""
        random = np.random.default_rng((self._seed, self._epoch))
        for _ in range(self._steps):
            drawn = [self._draw(random) for _ in range(self._batch)]
            both = torch.stack([part for part, _ in drawn])  # [B, C + 1, S, S]
            target = torch.from_numpy(self._target[[scene for _, scene in drawn]])
            mix = _MIXES[random.integers(len(_MIXES))]
            if mix is not None:
                mixed = mix(both, target, random)
                both, target = mixed.image, mixed.target
            valid = (both[:, -1:] > 0.999).float()  # mixed pixels are valid if both were
            yield {
                "image": both[:, :-1] * valid,
                "valid": valid,
                "groups": torch.from_numpy(self._chips.groups),
                "label": target,
            }

    def _draw(self, random: np.random.Generator) -> tuple[Tensor, int]:
        members = self._members[random.integers(len(self._members))]
        scene = int(members[random.integers(len(members))])
        windows = self._windows[scene]
        window = windows[random.integers(len(windows))]
        image = torch.from_numpy(self._chips.image[window])
        valid = torch.from_numpy(self._chips.valid[window])
        side = self._chips.window
        crop = random_crop(random, side, side, side, SCALE, (1.0, 1.0))
        seen = resize_valid(crop.of(valid)[0] > 0, side)[None].float()
        resized = resize_image(crop.of(image), side) * seen
        return torch.cat(relit(resized, seen, self._light, random)), scene


class WholeScenes:
    """A loader for evaluation: every window of scenes, unchanged."""

    def __init__(self, chips: SceneChips, batch: int) -> None:
        """Stores scenes and batch size."""
        self._chips, self._batch = chips, batch

    def __len__(self) -> int:
        """Number of batches."""
        return -(-len(self._chips.scene) // self._batch)

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        """Yields image, valid, groups and label like `SceneBatches`."""
        chips, target = self._chips, targets(self._chips)
        for start in range(0, len(chips.scene), self._batch):
            part = slice(start, start + self._batch)
            yield {
                "image": torch.from_numpy(chips.image[part]),
                "valid": torch.from_numpy(chips.valid[part]),
                "groups": torch.from_numpy(chips.groups),
                "label": torch.from_numpy(target[chips.scene[part]]),
            }


def targets(chips: SceneChips) -> NDArray[np.float32]:
    """Labels as float32 [M, K]."""
    if chips.label.ndim == 2:
        return np.asarray(chips.label, np.float32)
    return np.eye(chips.classes, dtype=np.float32)[chips.label]

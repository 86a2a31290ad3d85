"""Training patches: random cuts of images, and batches of them from images in memory."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch

from ..errors import EmptyArea, InvalidParameter
from .augmentation import (
    Crop,
    dihedral,
    random_crop,
    resize_image,
    resize_label,
    resize_valid,
    spectral_jitter,
)


@dataclass(frozen=True)
class Patch:
    """A square cut from a source.

    Attributes:
        image: float32 [C, S, S], 0 where invalid.
        valid: bool [S, S].
        label: int64 [S, S], or None.
    """

    image: torch.Tensor
    valid: torch.Tensor
    label: torch.Tensor | None = None

    def map(self, change: Callable[[torch.Tensor], torch.Tensor]) -> Patch:
        """The same geometric change on image, validity and label."""
        label = None if self.label is None else change(self.label)
        return Patch(change(self.image), change(self.valid), label)


class Drawable(Protocol):
    """Anything patches can be cut from: an image in memory, or a raster that is read lazily."""

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""

    def cut(self, crop: Crop, size: int) -> Patch:
        """Cuts a rectangle and brings it to a square of `size` pixels."""


@dataclass(frozen=True)
class Source:
    """One image in memory.

    Attributes:
        image: float32 [C, H, W], 0 where invalid.
        valid: bool [H, W].
        label: int [H, W], or None.
    """

    image: np.ndarray
    valid: np.ndarray
    label: np.ndarray | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self.valid.shape[0], self.valid.shape[1]

    def cut(self, crop: Crop, size: int) -> Patch:
        """Cuts a rectangle and brings it to a square of `size` pixels."""
        return cut(self, crop, size)


def cut(source: Source, crop: Crop, size: int) -> Patch:
    """Cuts a rectangle and brings it to a square of `size` pixels."""
    image = torch.from_numpy(np.ascontiguousarray(crop.of(torch.from_numpy(source.image)).numpy()))
    valid = resize_valid(crop.of(torch.from_numpy(source.valid)), size)
    label = None
    if source.label is not None:
        label = resize_label(crop.of(torch.from_numpy(source.label)).long(), size)
    return Patch(resize_image(image, size) * valid, valid, label)


def random_patch(
    source: Drawable,
    random: np.random.Generator,
    size: int,
    scale: tuple[float, float] = (0.2, 1.0),
    symmetries: bool = True,
) -> Patch:
    """A random resized crop in a random orientation.

    Args:
        source: Where from.
        random: Source of chance.
        size: Side of the patch, pixels.
        scale: Share of size x size that is cut and enlarged to it.
        symmetries: Whether to turn and mirror.
    """
    patch = source.cut(random_crop(random, *source.shape, size, scale), size)
    element = int(random.integers(8)) if symmetries else 0
    return patch.map(lambda values: dihedral(values, element).contiguous())


# How the light of patches is changed in pretraining, as far as snow: share of the patches, largest change that all
# bands share, standard deviations of each band's own change and, in reflectance, of its shift.
LIT_SHARE, BRIGHTNESS, GAIN, OFFSET = 0.5, 0.5, 0.1, 0.02


def change_light(patch: Patch, generator: np.random.Generator, offset: float = OFFSET) -> Patch:
    """Half of the patches under another light: brighter, darker or hazier.

    Args:
        patch: In reflectance, or in any unit with an `offset` of 0.
        generator: Source of chance.
        offset: Standard deviation of each band's shift.
    """
    if generator.uniform() < 1 - LIT_SHARE:
        return patch
    image = spectral_jitter(patch.image, generator, BRIGHTNESS, GAIN, offset)
    return dataclasses.replace(patch, image=image * patch.valid)


@dataclass(frozen=True)
class PatchPlan:
    """How the patches of an epoch are drawn, wherever they are cut from.

    Attributes:
        size: Side of a patch, pixels.
        batch: Patches a batch, of all processes together.
        steps: Batches an epoch.
        scale: Share of size x size that a crop covers before it is enlarged.
        least_valid: Patches with a smaller share of valid pixels are drawn again, some times.
        fewer_groups: Share of batches that show only some of the spectral groups.
        light: How far the light is shifted, see `change_light`; it is not changed at all when None.
        seed: Seed of the draw.
    """

    size: int
    batch: int
    steps: int
    scale: tuple[float, float] = (0.2, 1.0)
    least_valid: float = 0.2
    fewer_groups: float = 0.2
    light: float | None = None
    seed: int = 0

    def lit(self, patch: Patch, generator: np.random.Generator) -> Patch:
        """A patch in the light that it gets."""
        return patch if self.light is None else change_light(patch, generator, self.light)


class PatchLoader:
    """Batches of random patches: a loader for the trainer.

    What an epoch holds depends on the seed and the epoch's number alone, so that a resumed run sees
    the same patches.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        plan: PatchPlan,
        *,
        group_choices: Sequence[tuple[int, ...]] = (),
    ) -> None:
        """Prepares the draw.

        Args:
            sources: Images to draw from, by the root of their areas, so that large scenes count more but do not drown
                the small ones.
            plan: How; of the groups `group_choices` tells.
            group_choices: Sets of spectral groups; each batch gets one at random as "groups".

        Raises:
            EmptyArea: No source has a valid pixel.
            InvalidParameter: The sources have different bands.
        """
        usable = [index for index, item in enumerate(sources) if item.valid.any()]
        if not usable:
            raise EmptyArea(
                "The images have no valid pixel to train on. Check their no-data values."
            )
        if len({sources[index].image.shape[0] for index in usable}) > 1:
            raise InvalidParameter(
                "The images have different numbers of bands, expected the same in all. "
                "Choose the same bands for each."
            )
        self._sources = [sources[index] for index in usable]
        chance = [source.valid.size**0.5 for source in self._sources]
        self._chance = np.asarray(chance, float) / np.sum(chance)
        self._plan, self._epoch = plan, 0
        self._group_choices = [torch.tensor(choice) for choice in group_choices]

    def set_epoch(self, epoch: int) -> None:
        """Says which epoch is drawn next."""
        self._epoch = epoch

    def __len__(self) -> int:
        """Batches an epoch."""
        return self._plan.steps

    def __iter__(self) -> Iterator[dict[str, torch.Tensor]]:
        """Yields image [B, C, S, S], valid float32 [B, 1, S, S], label int64 [B, S, S], groups."""
        generator = np.random.default_rng((self._plan.seed, self._epoch))
        for _ in range(self._plan.steps):
            patches = [self._draw(generator) for _ in range(self._plan.batch)]
            batch = {
                "image": torch.stack([patch.image for patch in patches]),
                "valid": torch.stack([patch.valid for patch in patches])[:, None].float(),
            }
            labels = [patch.label for patch in patches if patch.label is not None]
            if len(labels) == len(patches):
                batch["label"] = torch.stack(labels)
            if self._group_choices:
                batch["groups"] = self._group_choices[generator.integers(len(self._group_choices))]
            yield batch

    def _draw(self, generator: np.random.Generator) -> Patch:
        """One patch; after ten tries with too little in it, whatever comes."""
        for _ in range(10):
            source = self._sources[generator.choice(len(self._sources), p=self._chance)]
            patch = random_patch(source, generator, self._plan.size, self._plan.scale)
            if patch.valid.float().mean() >= self._plan.least_valid:
                break
        return self._plan.lit(patch, generator)

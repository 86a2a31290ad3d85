"""Training patches: random crops of images, and a loader of batches from images in memory."""

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
    """A square patch.

    Attributes:
        image: float32 [C, S, S], 0 where invalid.
        valid: Valid pixels, bool [S, S].
        label: Class indices int64 [S, S], or None.
    """

    image: torch.Tensor
    valid: torch.Tensor
    label: torch.Tensor | None = None

    def map(self, change: Callable[[torch.Tensor], torch.Tensor]) -> Patch:
        """Applies the same geometric change to image, validity and label."""
        label = None if self.label is None else change(self.label)
        return Patch(change(self.image), change(self.valid), label)


class Drawable(Protocol):
    """Anything that patches can be cut from: an image in memory, or a raster that is read lazily."""

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""

    def cut(self, crop: Crop, size: int) -> Patch:
        """Cuts a rectangle and resizes it to a square of `size` pixels."""


@dataclass(frozen=True)
class Source:
    """One image in memory.

    Attributes:
        image: float32 [C, H, W], 0 where invalid.
        valid: Valid pixels, bool [H, W].
        label: Class indices, int [H, W], or None.
    """

    image: np.ndarray
    valid: np.ndarray
    label: np.ndarray | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self.valid.shape[0], self.valid.shape[1]

    def cut(self, crop: Crop, size: int) -> Patch:
        """Cuts a rectangle and resizes it to a square of `size` pixels."""
        return cut(self, crop, size)


def cut(source: Source, crop: Crop, size: int) -> Patch:
    """Cuts a rectangle and resizes it to a square of `size` pixels."""
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
    """Cuts a random resized crop in a random orientation.

    Args:
        source: What to cut from.
        random: Random generator.
        size: Side of the patch, pixels.
        scale: Range of the crop's area as a share of size x size.
        symmetries: Whether to rotate and mirror.
    """
    patch = source.cut(random_crop(random, *source.shape, size, scale), size)
    element = int(random.integers(8)) if symmetries else 0
    return patch.map(lambda values: dihedral(values, element).contiguous())


# Changes of light in pretraining, large enough to cover snow: share of the patches, largest relative change that all
# bands share, standard deviations of each band's own relative change and of its shift in reflectance.
LIT_SHARE, BRIGHTNESS, GAIN, OFFSET = 0.5, 0.5, 0.1, 0.02


def change_light(patch: Patch, generator: np.random.Generator, offset: float = OFFSET) -> Patch:
    """Changes the light of half of the patches: brighter, darker or hazier.

    Args:
        patch: A patch in reflectance, or in any unit with an `offset` of 0.
        generator: Random generator.
        offset: Standard deviation of each band's shift.
    """
    if generator.uniform() < 1 - LIT_SHARE:
        return patch
    image = spectral_jitter(patch.image, generator, BRIGHTNESS, GAIN, offset)
    return dataclasses.replace(patch, image=image * patch.valid)


@dataclass(frozen=True)
class PatchPlan:
    """How the patches of an epoch are drawn.

    Attributes:
        size: Side of a patch, pixels.
        batch: Patches per batch, of all processes together.
        steps: Batches per epoch.
        scale: Range of a crop's area before it is enlarged, as a share of size x size.
        least_valid: Patches with a smaller share of valid pixels are drawn again, a limited number of times.
        fewer_groups: Share of batches with only some of the spectral groups.
        light: Standard deviation of the shift, see `change_light`; None leaves the light as it is.
        seed: Seed of the random generator.
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
        """Applies the plan's change of light to a patch."""
        return patch if self.light is None else change_light(patch, generator, self.light)


class PatchLoader:
    """A loader for the trainer: batches of random patches.

    The patches of an epoch depend only on the seed and the epoch's number, so that a resumed run
    sees the same patches.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        plan: PatchPlan,
        *,
        group_choices: Sequence[tuple[int, ...]] = (),
    ) -> None:
        """Prepares the drawing of patches.

        Args:
            sources: Images; each is drawn in proportion to the square root of its area, so that large scenes count more
                but do not crowd out small ones.
            plan: How patches are drawn; `group_choices` replaces its `fewer_groups`.
            group_choices: Sets of spectral groups; each batch gets a random one as "groups".

        Raises:
            EmptyArea: No source has a valid pixel.
            InvalidParameter: The sources have different numbers of bands.
        """
        usable = [index for index, item in enumerate(sources) if item.valid.any()]
        if not usable:
            raise EmptyArea(
                "The images have no valid pixels to train on. Check their no-data values."
            )
        if len({sources[index].image.shape[0] for index in usable}) > 1:
            raise InvalidParameter(
                "The images have different numbers of bands. Choose the same bands for each image."
            )
        self._sources = [sources[index] for index in usable]
        chance = [source.valid.size**0.5 for source in self._sources]
        self._chance = np.asarray(chance, float) / np.sum(chance)
        self._plan, self._epoch = plan, 0
        self._group_choices = [torch.tensor(choice) for choice in group_choices]

    def set_epoch(self, epoch: int) -> None:
        """Sets the epoch to draw next."""
        self._epoch = epoch

    def __len__(self) -> int:
        """Number of batches per epoch."""
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
        """Draws a patch; after ten draws with too few valid pixels, takes the last one."""
        for _ in range(10):
            source = self._sources[generator.choice(len(self._sources), p=self._chance)]
            patch = random_patch(source, generator, self._plan.size, self._plan.scale)
            if patch.valid.float().mean() >= self._plan.least_valid:
                break
        return self._plan.lit(patch, generator)

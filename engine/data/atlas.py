"""Cuts training patches on the training device, from images that are packed into one tensor.

Cutting patches one by one on the CPU is many times slower than training a small network on them on a GPU.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from ..errors import EmptyArea
from .lazy_patches import some_groups
from .patches import BRIGHTNESS, GAIN, LIT_SHARE, PatchPlan

Image = tuple[NDArray[np.float32], NDArray[np.bool_]]  # [C, H, W], 0 where invalid; valid [H, W]
_REACH = 2  # radius of the bicubic kernel, pixels
_RATIO = (3 / 4, 4 / 3)  # width of a crop over its height, as in `augmentation.random_crop`
_TRIES = 4  # draws of each crop; the first with enough valid pixels is used


class Atlas:
    """Images of different sizes, packed into one tensor.

    Attributes:
        image: float32 [1, C, H, W]; 0 where invalid, and between the images.
        valid: float32 [1, 1, H, W]; 1 where a pixel and all neighbours that interpolation reads are valid.
        boxes: int64 [N, 4]: first row, first column, rows, columns of each image.
    """

    def __init__(
        self,
        shapes: Sequence[tuple[int, int]],
        bands: int,
        images: Iterable[Image],
        device: torch.device,
    ) -> None:
        """Packs the images, see `shelves`.

        Args:
            shapes: (rows, columns) of each image.
            bands: Number of bands C, the same in all images.
            images: The images in the order of `shapes`; only one at a time is held in memory beside the atlas.
            device: Device of the tensors.

        Raises:
            EmptyArea: No image has a valid pixel.
        """
        self.boxes, whole = shelves(shapes)
        self.image = torch.zeros(1, bands, *whole, device=device)
        invalid = torch.ones(1, 1, *whole, device=device)
        for (top, left, rows, columns), (image, valid) in zip(self.boxes.tolist(), images):
            place = (0, slice(None), slice(top, top + rows), slice(left, left + columns))
            self.image[place] = torch.from_numpy(image).to(device)
            invalid[place] = torch.from_numpy(~valid)[None].to(invalid)
        side = 2 * _REACH + 1
        self.valid = 1 - F.max_pool2d(invalid, side, stride=1, padding=_REACH)
        # Summed-area table [H + 1, W + 1]: gives the number of valid pixels in any box from its four corners.
        sums = self.valid[0, 0].cumsum(0, dtype=torch.int32).cumsum(1, dtype=torch.int32)
        self._sums = F.pad(sums, (1, 0, 1, 0))
        if not self._sums[-1, -1]:
            raise EmptyArea(
                "The images have no valid pixels to train on. Check their no-data values."
            )

    def valid_share(self, boxes: Tensor) -> Tensor:
        """Share of valid pixels [B] in each of the boxes [B, 4]."""
        top, left, rows, columns = boxes.long().unbind(1)
        below, right = top + rows, left + columns
        inside = self._sums[below, right] - self._sums[top, right]
        inside = inside - self._sums[below, left] + self._sums[top, left]
        return inside / (rows * columns)

    def cut(self, boxes: Tensor, turns: Tensor, size: int) -> tuple[Tensor, Tensor]:
        """Cuts rectangles, resizes each to a square, and rotates or mirrors it.

        Args:
            boxes: Top, left, rows, columns in pixels of the atlas [B, 4].
            turns: Element of `augmentation.dihedral`, 0 to 7, int64 [B].
            size: Side S of the squares, pixels.

        Returns:
            Images [B, C, S, S] and validity [B, 1, S, S], float32.
        """
        count, (rows, columns) = len(boxes), self.image.shape[2:]
        places = _unit_places(turns, size)  # [B, S, S, 2]
        top, left, height, width = boxes.to(places).unbind(1)  # [B] each
        corner = torch.stack([left, top], 1)[:, None, None]
        extent = torch.stack([width, height], 1)[:, None, None]
        whole = places.new_tensor([columns, rows])
        grid = 2 * (corner + places * extent) / whole - 1  # [B, S, S, 2]
        grid = grid.reshape(1, count * size, size, 2)  # the patches, stacked into one image
        image = F.grid_sample(self.image, grid, mode="bicubic", align_corners=False)
        valid = F.grid_sample(self.valid, grid, mode="nearest", align_corners=False)
        image = image.reshape(-1, count, size, size).transpose(0, 1)  # [B, C, S, S]
        valid = valid.reshape(count, 1, size, size)
        return image * valid, valid


class AtlasLoader:
    """A loader for the trainer: batches of random patches, cut on the device.

    The patches of an epoch depend on the seed, the epoch's number and the kind of device.
    """

    def __init__(
        self,
        atlas: Atlas,
        groups: Sequence[tuple[int, ...]],
        plan: PatchPlan,
    ) -> None:
        """Prepares the drawing of patches.

        Args:
            atlas: The images; each is drawn in proportion to the square root of its area, as in `PatchLoader`.
            groups: Ascending indices of the spectral groups that each image has.
            plan: How patches are drawn.
        """
        self._atlas, self._groups, self._plan, self._epoch = atlas, list(groups), plan, 0
        self._boxes = atlas.boxes.to(atlas.image)  # [N, 4]
        chance = self._boxes[:, 2:].prod(1).sqrt() * (atlas.valid_share(self._boxes) > 0)
        self._chance = chance.cpu().double().numpy()  # [N]

    def set_epoch(self, epoch: int) -> None:
        """Sets the epoch to draw next."""
        self._epoch = epoch

    def __len__(self) -> int:
        """Number of batches per epoch."""
        return self._plan.steps

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        """Yields image [B, C, S, S] and valid [B, 1, S, S], float32 on the device, and groups [G']."""
        plan = self._plan
        generator = np.random.default_rng((plan.seed, self._epoch))
        device = self._boxes.device
        chance = torch.Generator(device).manual_seed(int(generator.integers(2**62)))
        for _ in range(plan.steps):
            groups, able = self._choose(generator)
            weights = torch.from_numpy(self._chance * able).to(self._boxes)
            boxes = self._crops(weights, chance)
            for _ in range(_TRIES - 1):
                enough = self._atlas.valid_share(boxes) >= plan.least_valid
                boxes = torch.where(enough[:, None], boxes, self._crops(weights, chance))
            turns = torch.randint(8, (plan.batch,), generator=chance, device=device)
            image, valid = self._atlas.cut(boxes, turns, plan.size)
            if plan.light is not None:
                image = change_light(image, plan.light, chance) * valid
            yield {"image": image, "valid": valid, "groups": torch.tensor(groups)}

    def _choose(self, generator: np.random.Generator) -> tuple[tuple[int, ...], NDArray[np.bool_]]:
        """Draws the spectral groups of a batch; also returns which images have all of them [N]."""
        drawn = generator.choice(len(self._chance), p=self._chance / self._chance.sum())
        groups = some_groups(self._groups[drawn], self._plan.fewer_groups, generator)
        return groups, np.array([set(groups) <= {*own} for own in self._groups])

    def _crops(self, weights: Tensor, chance: torch.Generator) -> Tensor:
        """Draws random rectangles inside random images [B, 4], like `augmentation.random_crop`."""

        def between(low: float, high: float) -> Tensor:
            drawn = torch.rand(self._plan.batch, generator=chance, device=weights.device)
            return low + (high - low) * drawn  # [B]

        drawn = weights.multinomial(self._plan.batch, replacement=True, generator=chance)
        top, left, rows, columns = self._boxes[drawn].unbind(1)  # [B] each
        area = self._plan.size**2 * between(*self._plan.scale)
        aspect = between(math.log(_RATIO[0]), math.log(_RATIO[1])).exp()
        height = (area / aspect).sqrt().round().clamp(min=1).minimum(rows)
        width = (area * aspect).sqrt().round().clamp(min=1).minimum(columns)
        top = top + (between(0, 1) * (rows - height + 1)).floor()
        left = left + (between(0, 1) * (columns - width + 1)).floor()
        return torch.stack([top, left, height, width], 1)


def change_light(image: Tensor, offset: float, chance: torch.Generator) -> Tensor:
    """`patches.change_light` for a batch [B, C, S, S]."""
    count, bands = image.shape[:2]

    def normal() -> Tensor:
        return torch.randn(count, bands, 1, 1, generator=chance, device=image.device)

    def uniform() -> Tensor:
        return torch.rand(count, 1, 1, 1, generator=chance, device=image.device)

    brightness = 1 + BRIGHTNESS * (2 * uniform() - 1)
    changed = image * (brightness * (1 + GAIN * normal())) + offset * normal()
    return torch.where(uniform() < LIT_SHARE, changed, image)


def shelves(shapes: Sequence[tuple[int, int]]) -> tuple[Tensor, tuple[int, int]]:
    """Packs rectangles into a large one (shelf packing, the highest first), with a gap around each.

    Args:
        shapes: (rows, columns) of each rectangle.

    Returns:
        First row, first column, rows, columns of each rectangle in the given order, int64 [N, 4]; and (rows, columns)
        of the large one.
    """
    gap = _REACH
    area = sum((rows + gap) * (columns + gap) for rows, columns in shapes)
    across = max(math.isqrt(area), *(columns for _, columns in shapes)) + 2 * gap
    boxes = torch.zeros(len(shapes), 4, dtype=torch.int64)
    top = left = gap
    shelf = 0
    for index in sorted(range(len(shapes)), key=lambda index: -shapes[index][0]):
        rows, columns = shapes[index]
        if left + columns + gap > across:
            top, left, shelf = top + shelf + gap, gap, 0
        boxes[index] = torch.tensor([top, left, rows, columns])
        left, shelf = left + columns + gap, max(shelf, rows)
    return boxes, (top + shelf + gap, across)


def _unit_places(turns: Tensor, size: int) -> Tensor:
    """Position in the unit square of each pixel of a rotated or mirrored patch: (across, down) [B, S, S, 2]."""
    centres = (torch.arange(size, device=turns.device) + 0.5) / size
    down, across = torch.meshgrid(centres, centres, indexing="ij")  # [S, S]
    mirrored = (turns >= 4)[:, None, None]
    column, row = torch.where(mirrored, 1 - across, across), down.expand(len(turns), -1, -1)
    for turn in (1, 2, 3):  # each quarter turn takes (column, row) to (1 - row, column)
        more = (turns % 4 >= turn)[:, None, None]
        column, row = torch.where(more, 1 - row, column), torch.where(more, column, row)
    return torch.stack([column, row], -1)

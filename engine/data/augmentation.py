"""Augmentation of training patches: random changes that keep the labels true.

All randomness comes from a numpy generator of the caller, so that an epoch can be reproduced.
Images are float32 tensors [..., C, H, W], masks and labels [..., H, W].
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F


@dataclass(frozen=True)
class Crop:
    """A rectangle inside an image, pixels."""

    top: int
    left: int
    height: int
    width: int

    def of(self, values: torch.Tensor) -> torch.Tensor:
        """Crops an array [..., H, W]."""
        rows = slice(self.top, self.top + self.height)
        return values[..., rows, self.left : self.left + self.width]


def random_crop(
    generator: np.random.Generator,
    height: int,
    width: int,
    side: int,
    scale: tuple[float, float] = (0.2, 1.0),
    ratio: tuple[float, float] = (3 / 4, 4 / 3),
) -> Crop:
    """Draws a random rectangle, whose area is a random share of a square's.

    Args:
        generator: Random generator.
        height: Height of the image, pixels.
        width: Width of the image, pixels.
        side: Side of the square, pixels; may be larger than the image.
        scale: Smallest and largest share of the square's area.
        ratio: Smallest and largest ratio of width to height.

    Returns:
        The rectangle, shrunk to the image where that is smaller.
    """
    area = side * side * generator.uniform(*scale)
    aspect = math.exp(generator.uniform(math.log(ratio[0]), math.log(ratio[1])))
    rows = min(height, max(1, round(math.sqrt(area / aspect))))
    columns = min(width, max(1, round(math.sqrt(area * aspect))))
    top = int(generator.integers(height - rows + 1))
    left = int(generator.integers(width - columns + 1))
    return Crop(top, left, rows, columns)


def resize_image(image: torch.Tensor, size: int) -> torch.Tensor:
    """Resizes [C, H, W] to [C, size, size], bicubic, with antialiasing where it shrinks."""
    if image.shape[-2:] == (size, size):
        return image
    return F.interpolate(image[None], (size, size), mode="bicubic", antialias=True)[0]


def resize_label(label: torch.Tensor, size: int) -> torch.Tensor:
    """Resizes [H, W] to [size, size], nearest neighbour."""
    if label.shape[-2:] == (size, size):
        return label
    return F.interpolate(label[None, None].double(), (size, size), mode="nearest-exact")[0, 0].to(
        label.dtype
    )


def resize_valid(valid: torch.Tensor, size: int) -> torch.Tensor:
    """Resizes bool [H, W] to [size, size]: valid where `resize_image` read valid pixels only."""
    if valid.shape[-2:] == (size, size):
        return valid
    if bool(valid.all()):
        return valid.new_ones((size, size))
    # The bicubic kernel has a radius of two pixels, more where the image shrinks; the bilinear one half of that.
    reach = math.ceil(max(1.0, valid.shape[-2] / size, valid.shape[-1] / size))
    spread = F.max_pool2d((~valid)[None, None].float(), 2 * reach + 1, stride=1, padding=reach)
    share = F.interpolate(spread, (size, size), mode="bilinear", antialias=True)[0, 0]
    return share < 1e-3


def dihedral(values: torch.Tensor, element: int) -> torch.Tensor:
    """Applies one of the eight symmetries of the square (the dihedral group) to the last two axes.

    Args:
        values: Array [..., H, W]; if it is not square, only the elements 0, 2, 4, 6 keep its shape.
        element: 0..7; `element` % 4 quarter turns, then mirrored from 4 on.
    """
    turned = torch.rot90(values, element % 4, dims=(-2, -1))
    return turned.flip(-1) if element >= 4 else turned


def spectral_jitter(
    image: torch.Tensor,
    generator: np.random.Generator,
    brightness: float = 0.1,
    gain: float = 0.05,
    offset: float = 0.01,
) -> torch.Tensor:
    """Changes reflectance in the way that atmosphere, sun and sensor do.

    Args:
        image: Reflectance [C, H, W].
        generator: Random generator.
        brightness: Largest relative change that all bands share.
        gain: Standard deviation of each band's own relative change.
        offset: Standard deviation of each band's own shift, reflectance.
    """
    bands = image.shape[0]
    factor = (1 + generator.uniform(-brightness, brightness)) * (
        1 + gain * generator.normal(size=bands)
    )
    shift = offset * generator.normal(size=bands)
    scale = torch.from_numpy(factor.astype(np.float32)).to(image)[:, None, None]
    return image * scale + torch.from_numpy(shift.astype(np.float32)).to(image)[:, None, None]


@dataclass(frozen=True)
class Mixed:
    """A batch whose samples were mixed with each other.

    Attributes:
        image: Images [B, C, H, W].
        target: Shares of the classes [B, K].
    """

    image: torch.Tensor
    target: torch.Tensor


def mixup(
    image: torch.Tensor, target: torch.Tensor, generator: np.random.Generator, alpha: float = 0.8
) -> Mixed:
    """Blends every sample with another one, both image and target (mixup).

    Args:
        image: Images [B, C, H, W].
        target: Class shares, one-hot or soft [B, K].
        generator: Random generator.
        alpha: Parameter of the beta distribution that the share is drawn from.
    """
    share = float(generator.beta(alpha, alpha))
    other = torch.from_numpy(generator.permutation(image.shape[0]))
    return Mixed(
        image * share + image[other] * (1 - share), target * share + target[other] * (1 - share)
    )


def cutmix(
    image: torch.Tensor, target: torch.Tensor, generator: np.random.Generator, alpha: float = 1.0
) -> Mixed:
    """Pastes a rectangle of another sample into every sample; targets are mixed by area (CutMix).

    Args:
        image: Images [B, C, H, W].
        target: Class shares, one-hot or soft [B, K].
        generator: Random generator.
        alpha: Parameter of the beta distribution that the share to keep is drawn from.
    """
    height, width = image.shape[-2:]
    stays = float(generator.beta(alpha, alpha))
    rows, columns = round(height * math.sqrt(1 - stays)), round(width * math.sqrt(1 - stays))
    top = int(generator.integers(height - rows + 1))
    left = int(generator.integers(width - columns + 1))
    other = torch.from_numpy(generator.permutation(image.shape[0]))
    mixed = image.clone()
    window = (..., slice(top, top + rows), slice(left, left + columns))
    mixed[window] = image[other][window]
    # By the rectangle's size after rounding to whole pixels.
    share = 1 - rows * columns / (height * width)
    return Mixed(mixed, target * share + target[other] * (1 - share))

"""Random changes of training patches that leave what they show the same.

Everything random comes from a numpy generator given by the caller, so that an epoch can be drawn
again. Images are float32 tensors [..., C, H, W], masks and labels [..., H, W].
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
        """The rectangle of [..., H, W]."""
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
    """A rectangle at a random place with a share of a square's area.

    Args:
        generator: Source of chance.
        height: Height of the image.
        width: Width of the image.
        side: Side of the square whose area is shared; may be larger than the image.
        scale: Smallest and largest share.
        ratio: Smallest and largest width over height.

    Returns:
        The rectangle, shrunk where the image is smaller.
    """
    area = side * side * generator.uniform(*scale)
    aspect = math.exp(generator.uniform(math.log(ratio[0]), math.log(ratio[1])))
    rows = min(height, max(1, round(math.sqrt(area / aspect))))
    columns = min(width, max(1, round(math.sqrt(area * aspect))))
    top = int(generator.integers(height - rows + 1))
    left = int(generator.integers(width - columns + 1))
    return Crop(top, left, rows, columns)


def resize_image(image: torch.Tensor, size: int) -> torch.Tensor:
    """[C, H, W] to [C, size, size], bicubic, smoothed first where it shrinks."""
    if image.shape[-2:] == (size, size):
        return image
    return F.interpolate(image[None], (size, size), mode="bicubic", antialias=True)[0]


def resize_label(label: torch.Tensor, size: int) -> torch.Tensor:
    """[H, W] to [size, size], nearest neighbour."""
    if label.shape[-2:] == (size, size):
        return label
    return F.interpolate(label[None, None].double(), (size, size), mode="nearest-exact")[0, 0].to(
        label.dtype
    )


def resize_valid(valid: torch.Tensor, size: int) -> torch.Tensor:
    """Bool [H, W] to [size, size]: valid only where nothing invalid was mixed in."""
    if valid.shape[-2:] == (size, size):
        return valid
    if bool(valid.all()):
        return valid.new_ones((size, size))
    # A bicubic kernel reaches two pixels, more where the image shrinks; a bilinear one half as far.
    reach = math.ceil(max(1.0, valid.shape[-2] / size, valid.shape[-1] / size))
    spread = F.max_pool2d((~valid)[None, None].float(), 2 * reach + 1, stride=1, padding=reach)
    share = F.interpolate(spread, (size, size), mode="bilinear", antialias=True)[0, 0]
    return share < 1e-3


def dihedral(values: torch.Tensor, element: int) -> torch.Tensor:
    """One of the eight symmetries of the square on the last two axes.

    Args:
        values: [..., H, W]; square, or only even elements of 0, 2, 4, 6 keep the shape.
        element: 0..7; a quarter turn for each unit of element % 4, mirrored from 4 on.
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
    """Changes reflectance as atmosphere, sun and sensor would.

    Args:
        image: [C, H, W], reflectance.
        generator: Source of chance.
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
    """A batch whose samples were mixed with others of it.

    Attributes:
        image: [B, C, H, W].
        target: [B, K], shares of the classes.
    """

    image: torch.Tensor
    target: torch.Tensor


def mixup(
    image: torch.Tensor, target: torch.Tensor, generator: np.random.Generator, alpha: float = 0.8
) -> Mixed:
    """Blends every sample with another one, image and target alike.

    Args:
        image: [B, C, H, W].
        target: [B, K], one-hot or soft.
        generator: Source of chance.
        alpha: Parameter of the beta distribution of the share.
    """
    share = float(generator.beta(alpha, alpha))
    other = torch.from_numpy(generator.permutation(image.shape[0]))
    return Mixed(
        image * share + image[other] * (1 - share), target * share + target[other] * (1 - share)
    )


def cutmix(
    image: torch.Tensor, target: torch.Tensor, generator: np.random.Generator, alpha: float = 1.0
) -> Mixed:
    """Pastes a rectangle of another sample into every sample; the target follows the area.

    Args:
        image: [B, C, H, W].
        target: [B, K], one-hot or soft.
        generator: Source of chance.
        alpha: Parameter of the beta distribution of the share that stays.
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
    share = 1 - rows * columns / (
        height * width
    )  # of the rectangle as it came out, in whole pixels
    return Mixed(mixed, target * share + target[other] * (1 - share))

"""Typical small patches of imagery, learned without labels."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F


def compress(reflectance: Tensor) -> Tensor:
    """Reflectance as its logarithm: another light shifts it and changes no pattern."""
    return torch.log(reflectance + 0.03)


def learn_dictionary(
    images: Sequence[Tensor],
    bands: Sequence[int],
    patterns: int = 256,
    size: int = 5,
    samples: int = 40000,
    tolerance: float = 0.5,
    rounds: int = 12,
    seed: int = 0,
) -> tuple[Tensor, Tensor]:
    """Typical patches of unlabelled images, by spherical k-means after whitening.

    Args:
        images: Reflectance [C, H, W] each, H and W above `size`.
        bands: Those that patches are compared by.
        patterns: How many.
        size: Side of a patch, pixels.
        samples: Patches to learn from.
        tolerance: A patch counts as similar from this response on, in whitened units.
        rounds: Of k-means.
        seed: Of the sampling.

    Returns:
        Filters [patterns, bands, size, size] and offsets [patterns] for `set_dictionary`.
    """
    random = torch.Generator().manual_seed(seed)
    share = math.ceil(samples / len(images))
    patches = []
    for image in images:
        common = compress(image[list(bands)].clamp_min(0))
        height, width = image.shape[1] - size, image.shape[2] - size
        tops = torch.randint(height, (share,), generator=random).tolist()
        lefts = torch.randint(width, (share,), generator=random).tolist()
        patches += [common[:, y : y + size, x : x + size] for y, x in zip(tops, lefts)]
    stack = torch.stack(patches)  # [N, 6, s, s]
    # The level of each band is left to the spectra: a patch is what varies within it.
    vectors = (stack - stack.mean((2, 3), keepdim=True)).flatten(1)  # [N, D]
    centre = vectors.mean(0)
    values, axes = torch.linalg.eigh(torch.cov(vectors.T))
    whiten = axes @ torch.diag((values.clamp_min(0) + 0.01 * values.max()).rsqrt()) @ axes.T
    points = F.normalize((vectors - centre) @ whiten, dim=1)
    first = torch.randperm(len(points), generator=random).repeat(-(-patterns // len(points)))
    typical = points[first[:patterns]].clone()
    for _ in range(rounds):
        nearest = (points @ typical.T).argmax(1)
        total = torch.zeros_like(typical).index_add_(0, nearest, points)
        empty = torch.bincount(nearest, minlength=patterns) == 0
        fresh = torch.randint(len(points), (int(empty.sum()),), generator=random)
        total[empty] = points[fresh]
        typical = F.normalize(total, dim=1)
    # Centring, whitening and comparing are linear: together they are one convolution.
    weights = typical @ whiten  # [K, D]
    offsets = weights @ centre + tolerance
    filters = weights.reshape(patterns, len(bands), size, size)
    return filters - filters.mean((2, 3), keepdim=True), offsets

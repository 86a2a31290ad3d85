"""A dictionary of small patches that are typical of imagery, learned without labels.

After Coates and Ng, "Learning feature representations with k-means" (2012): patches are whitened,
clustered by spherical k-means, and the clusters' centres serve as filters of one convolution.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

SIDE = 5  # of a patch, pixels
_ROUNDS = 12  # of k-means
_RIDGE = 0.01  # of the largest variance: whitening must not blow up directions of mere noise


def compress(reflectance: Tensor) -> Tensor:
    """Logarithm of reflectance: other light shifts it by a constant and leaves patterns alone."""
    return torch.log(reflectance + 0.03)


def learn_dictionary(
    images: Sequence[Tensor],
    bands: Sequence[int],
    patterns: int = 256,
    samples: int = 40000,
    tolerance: float = 0.5,
    seed: int = 0,
) -> tuple[Tensor, Tensor]:
    """Learns typical patches of unlabelled images.

    Args:
        images: Reflectance [C, H, W] each, H and W above `SIDE`.
        bands: Indices of the bands that make a patch.
        patterns: Size of the dictionary.
        samples: Patches to learn from.
        tolerance: Response in whitened units from which on a patch counts as similar.
        seed: Seed of the sampling.

    Returns:
        Filters [patterns, bands, SIDE, SIDE] and offsets [patterns], for
        `PixelStatistics.set_dictionary`.
    """
    generator = torch.Generator().manual_seed(seed)
    stack = _draw_patches(images, bands, samples, generator)  # [N, bands, SIDE, SIDE]
    # The level of each band is left to the spectra: a patch is what varies within it.
    vectors = (stack - stack.mean((2, 3), keepdim=True)).flatten(1)  # [N, V]
    centre, whiten = vectors.mean(0), _whitening(vectors)
    points = F.normalize((vectors - centre) @ whiten, dim=1)
    typical = _spherical_k_means(points, patterns, generator)
    # Centring, whitening and comparing are linear: together they are one convolution.
    weights = typical @ whiten  # [patterns, V]
    offsets = weights @ centre + tolerance
    filters = weights.reshape(patterns, len(bands), SIDE, SIDE)
    return filters - filters.mean((2, 3), keepdim=True), offsets


def _draw_patches(
    images: Sequence[Tensor], bands: Sequence[int], samples: int, generator: torch.Generator
) -> Tensor:
    """Patches at random places, equally many of each image: [N, bands, SIDE, SIDE]."""
    share = math.ceil(samples / len(images))
    patches = []
    for image in images:
        compressed = compress(image[list(bands)].clamp_min(0))
        height, width = image.shape[1] - SIDE, image.shape[2] - SIDE
        tops = torch.randint(height, (share,), generator=generator).tolist()
        lefts = torch.randint(width, (share,), generator=generator).tolist()
        patches += [compressed[:, y : y + SIDE, x : x + SIDE] for y, x in zip(tops, lefts)]
    return torch.stack(patches)


def _whitening(vectors: Tensor) -> Tensor:
    """ZCA whitening matrix [V, V] of vectors [N, V]."""
    values, axes = torch.linalg.eigh(torch.cov(vectors.T))
    return axes @ torch.diag((values.clamp_min(0) + _RIDGE * values.max()).rsqrt()) @ axes.T


def _spherical_k_means(points: Tensor, clusters: int, generator: torch.Generator) -> Tensor:
    """Unit-length centres [clusters, V] of unit vectors [N, V], compared by their cosine."""
    first = torch.randperm(len(points), generator=generator).repeat(-(-clusters // len(points)))
    centres = points[first[:clusters]].clone()
    for _ in range(_ROUNDS):
        nearest = (points @ centres.T).argmax(1)
        total = torch.zeros_like(centres).index_add_(0, nearest, points)
        empty = torch.bincount(nearest, minlength=clusters) == 0
        fresh = torch.randint(len(points), (int(empty.sum()),), generator=generator)
        total[empty] = points[fresh]
        centres = F.normalize(total, dim=1)
    return centres

"""Features of a scene: how bands vary together over a window, at several scales.

Light and haze change the mean of a band, but hardly its correlation with other bands. Fields,
orchards and towns of the same mean colour differ in these correlations.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor
from torch.nn import functional as F

SCALES = (1, 4, 8)  # pixels that are averaged along a side
_LEAST_VARIANCE = 1e-4  # of logarithms: a deviation of about one per cent of the reflectance
_STRONGEST = 0.995  # correlations are cut to this, so that Fisher's z stays finite


def relations_width(bands: int) -> int:
    """Number of features of `band_relations` for so many bands."""
    return len(SCALES) * (bands + bands * (bands - 1) // 2)


def band_relations(image: Tensor) -> Tensor:
    """Log standard deviation of every band and correlation of every pair, at several scales.

    Correlations are given as Fisher's z, which spreads those near 1. A band with less variance than
    sensors resolve counts as uncorrelated.

    Args:
        image: Logarithms of reflectance [B, C, H, W], H and W at least twice the largest scale.

    Returns:
        [B, relations_width(C)]; invariant to rotation and mirroring.
    """
    bands = image.shape[1]
    pairs = [one * bands + other for one, other in itertools.combinations(range(bands), 2)]
    diagonal = [one * (bands + 1) for one in range(bands)]
    out = []
    for scale in SCALES:
        values = F.avg_pool2d(image, scale).flatten(2)  # [B, C, N]
        centred = values - values.mean(2, keepdim=True)
        covariance = centred @ centred.transpose(1, 2) / values.shape[2]  # [B, C, C]
        deviation = torch.sqrt(covariance.flatten(1)[:, diagonal] + _LEAST_VARIANCE)  # [B, C]
        related = covariance / (deviation[:, :, None] * deviation[:, None])
        related = related.flatten(1)[:, pairs].clamp(-_STRONGEST, _STRONGEST)
        out += [torch.log(deviation), 0.5 * torch.log((1 + related) / (1 - related))]
    return torch.cat(out, 1)

"""How bands vary together over a window, from pixel to pixel and between patches of it.

Light and haze shift what a band is on average; they hardly change whether it rises where another
one falls. Fields, orchards and towns of the same mean colour differ in that.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor
from torch.nn import functional as F

SCALES = (1, 4, 8)  # pixels
_LEAST_VARIANCE = 1e-4  # of logarithms: about one per cent of the light
_STRONGEST = 0.995


def relations_width(bands: int) -> int:
    """How many measurements `band_relations` gives for so many bands."""
    return len(SCALES) * (bands + bands * (bands - 1) // 2)


def band_relations(image: Tensor) -> Tensor:
    """Log deviation of every band and correlation of every pair, at several scales.

    Correlations come as Fisher's z, so that .90 and .95 are further apart than .1 and .15. A band
    with less variance than sensors can tell counts as unrelated.

    Args:
        image: Logarithms of reflectance [B, C, H, W], H and W at least twice the largest scale.

    Returns:
        [B, relations_width(C)]; turning or mirroring the window changes nothing.
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

"""Which spectral groups, and so which bands, an image has: those that are missing count for nothing."""

from __future__ import annotations

import torch
from torch import Tensor


def group_mask(groups: Tensor, count: int, dtype: torch.dtype) -> Tensor:
    """1 for each of `count` spectral groups whose index is in `groups` [G'], else 0: [count]."""
    every = torch.arange(count, device=groups.device)
    return (groups[:, None] == every).any(dim=0).to(dtype)


def band_mask(present: Tensor, spectral_patch: int) -> Tensor:
    """The mask [G] of groups of `spectral_patch` bands, for each band: [G * spectral_patch, 1, 1]."""
    return present[:, None].expand(-1, spectral_patch).reshape(-1, 1, 1)

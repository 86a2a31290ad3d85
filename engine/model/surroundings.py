"""Convolutions over what was measured of each pixel: does what surrounds it speak for change?"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .feature_head import LIMIT

WIDTH, SPREADS = 16, (1, 2, 4, 8)  # channels; distances between a kernel's pixels: 31 px in all
_GROUPS = 4
# Shares of channels and of features that are left out at each step of training.
_DROPPED, _SEEN_LESS = 0.1, 0.2


class Surroundings(nn.Module):
    """Sees each pixel among those within 15 px of it, and how it stands out from its window.

    A regression on single pixels cannot tell a building from an edge that was shifted by a pixel;
    the shape of what changed can. Alone, though, it fails in places unlike those that it learned
    from, where a regression does not (docs/accuracy.md): both have a say.

    Attributes:
        share: What the regression's log odds are multiplied by to be spread as widely as these.
    """

    mean: Tensor
    scale: Tensor
    share: Tensor

    def __init__(self, features: int) -> None:
        """Makes it for so many features."""
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("scale", torch.ones(features))
        self.register_buffer("share", torch.ones(1))
        self.mix = nn.Conv2d(features, WIDTH, 1)
        self.steps = nn.ModuleList([_Step(spread) for spread in SPREADS])
        self.decide = nn.Conv2d(WIDTH, 1, 1)

    def forward(self, fine: Tensor, plain: Tensor) -> Tensor:
        """Log odds of change [B, 1, H, W] of features [B, F, H, W] and a regression's log odds [B, 1, H, W]."""
        return (self.odds(fine) + self.share * plain) / 2

    def odds(self, fine: Tensor) -> Tensor:
        """Log odds of change [B, 1, H, W] of features [B, F, H, W] alone."""
        seen = (fine - self.mean[:, None, None]) / self.scale[:, None, None]
        seen = F.dropout2d(seen.clamp(-LIMIT, LIMIT), _SEEN_LESS, self.training)
        found = F.gelu(self.mix(seen))
        for step in self.steps:
            found = step(found)
        odds: Tensor = self.decide(found)
        return odds


class _Step(nn.Module):
    """Adds what pixels at a distance tell."""

    def __init__(self, spread: int) -> None:
        super().__init__()
        self.look = nn.Conv2d(WIDTH, WIDTH, 3, padding=spread, dilation=spread)
        self.norm = nn.GroupNorm(_GROUPS, WIDTH)

    def forward(self, found: Tensor) -> Tensor:
        """[B, WIDTH, H, W] to the same."""
        more = F.gelu(self.norm(self.look(found)))
        return found + F.dropout2d(more, _DROPPED, self.training)

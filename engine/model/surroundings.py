"""Dilated convolutions over the features of pixels: does the context of a pixel speak for change?"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .feature_head import LIMIT

WIDTH, SPREADS = 16, (1, 2, 4, 8)  # channels; dilations, for a receptive field of 31 pixels
_GROUPS = 4
# Dropout rates in training: of channels inside a block, and of input features.
_DROPPED, _SEEN_LESS = 0.1, 0.2


class Surroundings(nn.Module):
    """Averages the log odds of dilated convolutions with those of a regression on single pixels.

    A regression on single pixels cannot tell a new building from an edge that is misregistered by a
    pixel; the shape of the change can. Convolutions alone, though, fail in places unlike those of
    training, where the regression does not (docs/accuracy.md): so both are averaged.

    Attributes:
        share: Factor on the regression's log odds that gives them the spread of the convolutions'.
    """

    mean: Tensor
    scale: Tensor
    share: Tensor

    def __init__(self, features: int) -> None:
        """Makes the convolutions for `features` features."""
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("scale", torch.ones(features))
        self.register_buffer("share", torch.ones(1))
        self.mix = nn.Conv2d(features, WIDTH, 1)
        self.steps = nn.ModuleList([_Step(spread) for spread in SPREADS])
        self.decide = nn.Conv2d(WIDTH, 1, 1)

    def forward(self, fine: Tensor, plain: Tensor) -> Tensor:
        """Log odds of change [B, 1, H, W] from features [B, F, H, W] and a regression's log odds [B, 1, H, W]."""
        return (self.odds(fine) + self.share * plain) / 2

    def odds(self, fine: Tensor) -> Tensor:
        """Log odds of change [B, 1, H, W] from features [B, F, H, W] alone."""
        seen = (fine - self.mean[:, None, None]) / self.scale[:, None, None]
        seen = F.dropout2d(seen.clamp(-LIMIT, LIMIT), _SEEN_LESS, self.training)
        found = F.gelu(self.mix(seen))
        for step in self.steps:
            found = step(found)
        odds: Tensor = self.decide(found)
        return odds


class _Step(nn.Module):
    """Residual block of one dilated convolution."""

    def __init__(self, spread: int) -> None:
        super().__init__()
        self.look = nn.Conv2d(WIDTH, WIDTH, 3, padding=spread, dilation=spread)
        self.norm = nn.GroupNorm(_GROUPS, WIDTH)

    def forward(self, found: Tensor) -> Tensor:
        """Maps [B, WIDTH, H, W] to [B, WIDTH, H, W]."""
        more = F.gelu(self.norm(self.look(found)))
        return found + F.dropout2d(more, _DROPPED, self.training)

"""The learned layers on top of hand-crafted features and tokens."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LIMIT = 4.0  # standard deviations: features are clipped, so that no outlier decides alone


class FeatureHead(nn.Module):
    """Standardises fine and coarse features and turns them into logits: linear, or one hidden layer.

    Fine features have the resolution of the image, coarse ones that of the tokens. The linear layer is
    applied to coarse features before they are enlarged: the same result from far fewer values.

    Attributes:
        hidden: Width of the hidden layer, 0 for none.
    """

    fine_mean: Tensor
    fine_scale: Tensor
    coarse_mean: Tensor
    coarse_scale: Tensor

    def __init__(
        self, fine: int, coarse: int, classes: int, hidden: int = 0, dropout: float = 0.2
    ) -> None:
        """Makes the head for `fine` and `coarse` features."""
        super().__init__()
        self.hidden, width = hidden, hidden or classes
        for name, count in (("fine", fine), ("coarse", coarse)):
            self.register_buffer(f"{name}_mean", torch.zeros(count))
            self.register_buffer(f"{name}_scale", torch.ones(count))
        self.fine = nn.Conv2d(fine, width, 1)
        self.coarse = nn.Conv2d(coarse, width, 1, bias=False)
        self.above = nn.Sequential()
        if hidden:
            self.above = nn.Sequential(nn.GELU(), nn.Dropout(dropout), nn.Conv2d(width, classes, 1))

    @property
    def classes(self) -> int:
        """Number of classes."""
        last = self.above[-1] if self.hidden else self.fine
        return last.weight.shape[0] if isinstance(last, nn.Conv2d) else 0

    @torch.no_grad()
    def set_scale(self, mean: Tensor, scale: Tensor) -> None:
        """Sets mean and standard deviation of all features, fine ones first."""
        count = self.fine_mean.numel()
        self.fine_mean.copy_(mean[:count])
        self.fine_scale.copy_(scale[:count])
        self.coarse_mean.copy_(mean[count:])
        self.coarse_scale.copy_(scale[count:])

    @torch.no_grad()
    def set_linear(self, weight: Tensor, bias: Tensor) -> None:
        """Sets a linear rule on standardised features: weight [K, F], fine ones first; bias [K]."""
        count = self.fine_mean.numel()
        self.fine.weight.copy_(weight[:, :count, None, None])
        self.coarse.weight.copy_(weight[:, count:, None, None])
        if self.fine.bias is not None:
            self.fine.bias.copy_(bias)

    def forward(self, fine: Tensor, coarse: Tensor) -> Tensor:
        """Logits [B, K, H, W] from fine features [B, F, H, W] and coarse ones [B, D, h, w]."""
        fine = (fine - self.fine_mean[:, None, None]) / self.fine_scale[:, None, None]
        coarse = (coarse - self.coarse_mean[:, None, None]) / self.coarse_scale[:, None, None]
        low = self.coarse(coarse)  # [B, width, h, w]
        if low.shape[2:] != fine.shape[2:]:
            low = F.interpolate(low, size=fine.shape[2:], mode="bilinear", align_corners=False)
        return self.above(self.fine(fine.clamp(-LIMIT, LIMIT)) + low)

"""A convolutional pyramid of the pixels: what a token of 8 x 8 pixels is too coarse to see.

Normalisation is over the channels of each pixel, never over places: what a pixel becomes does not
depend on where a window was cut.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class ChannelNorm(nn.Module):
    """Layer normalisation over the channels of each pixel of a map [B, C, H, W]."""

    def __init__(self, channels: int, eps: float = 1e-6) -> None:
        """Make the norm for maps of `channels` channels."""
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.eps = eps

    def forward(self, image: Tensor) -> Tensor:
        """Normalise each pixel over its channels."""
        centred = image - image.mean(1, keepdim=True)
        scale = torch.rsqrt(centred.square().mean(1, keepdim=True) + self.eps)
        return centred * scale * self.weight[:, None, None] + self.bias[:, None, None]


class ConvBlock(nn.Module):
    """3 x 3 convolution, channel norm, GELU; residual where the shape stays the same."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        """Make a block from `inputs` to `outputs` channels."""
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.norm = ChannelNorm(outputs)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, image: Tensor) -> Tensor:
        """Map [B, inputs, H, W] to [B, outputs, H / stride, W / stride]."""
        out = F.gelu(self.norm(self.conv(image)))
        return image + out if self.residual else out


class PixelStem(nn.Module):
    """Convolutional pyramid of the pixels: one map a level, each level half as fine.

    The first layers are 1 x 1: they mix the bands of one pixel, so the finest level keeps the
    spectrum of every single pixel.

    Attributes:
        widths: Channels of each level; level i has stride 2 ** i.
    """

    def __init__(self, bands: int, widths: tuple[int, ...] = (24, 48, 96)) -> None:
        """Make the stem for `bands` input channels."""
        super().__init__()
        self.widths = tuple(widths)
        first = self.widths[0]
        self.spectral = nn.Sequential(
            nn.Conv2d(bands, 2 * first, 1),
            nn.GELU(),
            nn.Conv2d(2 * first, first, 1),
        )
        self.levels = nn.ModuleList([ConvBlock(first, first)])
        for inputs, outputs in zip(self.widths[:-1], self.widths[1:]):
            self.levels.append(
                nn.Sequential(ConvBlock(inputs, outputs, stride=2), ConvBlock(outputs, outputs))
            )

    def forward(self, image: Tensor) -> list[Tensor]:
        """Compute the pyramid.

        Args:
            image: Normalised image [B, bands, H, W], zero where invalid or missing; H and W
                divisible by 2 ** (levels - 1).

        Returns:
            Maps [B, widths[i], H / 2**i, W / 2**i], finest first.
        """
        maps = []
        out = self.spectral(image)  # [B, w0, H, W]
        for level in self.levels:
            out = level(out)
            maps.append(out)
        return maps

"""Heads that see the pixels beside the tokens.

A token of the encoder is 8 pixels wide (80 m on Sentinel-2), so a map made from tokens alone is
blocky. The networks here join the encoder's context with a small convolutional branch at full
resolution. No layer looks further than its own neighbourhood for its statistics (normalisation is
per pixel, over channels): what a pixel becomes does not depend on where a window was cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .config import SpectralGPTConfig
from .encoder import SpectralEncoder
from .network import Network
from .pixel_context import PixelContext


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


class PixelSegmentation(Network):
    """Land cover of every pixel: its own spectrum, its surroundings and the tokens, one small net.

    All layers after the measurements are 1 x 1 convolutions, so the map is as sharp as the pixels,
    and few enough weights that a handful of places can teach it.

    Attributes:
        encoder: Spectral encoder, pretrained and frozen.
    """

    band_mean: Tensor
    band_std: Tensor
    network = "pixel-segmentation"

    def __init__(
        self,
        config: SpectralGPTConfig,
        classes: int,
        mean: Sequence[float],
        std: Sequence[float],
        width: int = 64,
        token_width: int = 16,
        dropout: float = 0.1,
    ) -> None:
        """Make the network with fresh weights.

        Args:
            config: Sizes of the encoder.
            classes: Kinds of land cover.
            mean: Of each band in the card's normalisation.
            std: Likewise.
            width: Of the hidden layers.
            token_width: Maps that the tokens are reduced to.
            dropout: Rate in training; the tokens of a window are left out at the same rate.
        """
        super().__init__()
        self.config, self.width, self.token_width = config, width, token_width
        self.mean, self.std = tuple(map(float, mean)), tuple(map(float, std))
        self.register_buffer("band_mean", torch.tensor(self.mean)[:, None, None], persistent=False)
        self.register_buffer("band_std", torch.tensor(self.std)[:, None, None], persistent=False)
        self.encoder = SpectralEncoder(config)
        self.context = PixelContext()
        self.reduce = nn.Conv2d(config.dim, token_width, 1)
        self.layers = nn.Sequential(
            nn.Conv2d(self.context.channels + token_width, width, 1),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Conv2d(width, width, 1),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Conv2d(width, classes, 1),
        )

    def architecture(self) -> dict[str, Any]:
        """What `from_architecture` needs to build this network again."""
        return {
            "network": self.network,
            **self.config.to_dict(),
            "classes": self.layers[-1].out_channels,
            "mean": list(self.mean),
            "std": list(self.std),
            "width": self.width,
            "token_width": self.token_width,
        }

    @classmethod
    def from_architecture(cls, architecture: dict[str, Any]) -> PixelSegmentation:
        """Builds the network a card describes."""
        return cls(
            SpectralGPTConfig.from_dict(architecture),
            architecture["classes"],
            architecture["mean"],
            architecture["std"],
            architecture["width"],
            architecture["token_width"],
        )

    def describe(
        self, image: Tensor, groups: Tensor | None = None, valid: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """What the layers with weights of their own start from; no gradient goes further down.

        Args:
            image: Normalised image [B, C, H, W], 0 where invalid or missing.
            groups: Ascending indices [G'] of the spectral groups present; all when None.
            valid: 1 for a valid pixel [B, 1, H, W]; all when None.

        Returns:
            Context [B, context.channels, H, W] and tokens [B, D, h, w].
        """
        if valid is None:
            valid = torch.ones_like(image[:, :1])
        grid = self.encoder.token_map(image, groups)
        reflectance = image * self.band_std + self.band_mean
        return self.context(image, reflectance, valid), grid

    def decide(self, context: Tensor, tokens: Tensor) -> Tensor:
        """Logits [B, K, H, W] from context [B, F, H, W] and tokens [B, D, H, W]."""
        return self.layers(torch.cat([context, self.reduce(tokens)], 1))

    def forward(
        self, image: Tensor, groups: Tensor | None = None, valid: Tensor | None = None
    ) -> Tensor:
        """Logits [B, K, H, W]; arguments as for `describe`."""
        context, tokens = self.describe(image, groups, valid)
        # Reducing before enlarging is the same and touches fewer values.
        reduced = F.interpolate(
            self.reduce(tokens), size=image.shape[2:], mode="bilinear", align_corners=False
        )
        return self.layers(torch.cat([context, reduced], 1))

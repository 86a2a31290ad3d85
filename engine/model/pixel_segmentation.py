"""The land-cover network that ships: a class for every pixel, from the pixels and the tokens.

A token of the encoder is 8 pixels wide (80 m on Sentinel-2), so a map made from tokens alone is
blocky. Here the tokens are context beside features that every pixel has of its own.
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


class PixelSegmentation(Network):
    """A small network on each pixel's spectrum, its neighbourhood and the tokens.

    All learned layers are 1 x 1 convolutions: the map is as sharp as the pixels, and there are few
    enough weights to be learned from a handful of places.

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
            classes: Number of classes.
            mean: Mean of each band in the card's normalisation.
            std: Standard deviation of each band in the card's normalisation.
            width: Width of the hidden layers.
            token_width: Channels to which the tokens are reduced.
            dropout: Dropout rate; in training whole windows lack their tokens at the same rate.
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
        """The inputs of the learned layers: context features and tokens.

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
        # Reducing commutes with enlarging, and is cheaper first.
        reduced = F.interpolate(
            self.reduce(tokens), size=image.shape[2:], mode="bilinear", align_corners=False
        )
        return self.layers(torch.cat([context, reduced], 1))

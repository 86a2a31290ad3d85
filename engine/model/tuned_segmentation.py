"""Segmentation network for few labels: hand-crafted features of pixels beside the tokens."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from .config import SpectralGPTConfig
from .encoder import SpectralEncoder
from .feature_head import FeatureHead
from .network import Network
from .pixel_context import ContextLayout, PixelContext


class TunedSegmentation(Network):
    """A model of the user's own: any SpectralGPT encoder, features of the pixels, and a small head.

    Attributes:
        encoder: The base's encoder; frozen, or fine-tuned with the head.
        context: Hand-crafted features of the pixels.
        head: The head that is fitted first.
    """

    network = "tuned-segmentation"

    def __init__(
        self, config: SpectralGPTConfig, classes: int, layout: ContextLayout, hidden: int = 0
    ) -> None:
        """Makes the network with fresh weights.

        Args:
            config: Sizes of the encoder.
            classes: Number of classes.
            layout: Which bands are used how.
            hidden: Width of the head's hidden layer, 0 for a linear head.
        """
        super().__init__()
        self.config = config
        self.encoder = SpectralEncoder(config)
        self.context = PixelContext(layout=layout)
        self.head = FeatureHead(self.context.channels, config.dim, classes, hidden)

    def architecture(self) -> dict[str, Any]:
        """What `from_architecture` needs to build this network again."""
        return {
            "network": self.network,
            **self.config.to_dict(),
            "classes": self.head.classes,
            "layout": self.context.layout.to_list(),
            "hidden": self.head.hidden,
        }

    @classmethod
    def from_architecture(cls, architecture: dict[str, Any]) -> TunedSegmentation:
        """Builds the network a card describes."""
        return cls(
            SpectralGPTConfig.from_dict(architecture),
            architecture["classes"],
            ContextLayout.from_list(architecture["layout"]),
            architecture["hidden"],
        )

    def blocks(self) -> list[tuple[int, float]]:
        """Width and weight of each block of features, for discriminants: pixel, surroundings, tokens."""
        own = self.context.own_channels
        return [(own, 1.0), (self.context.channels - own, 1.0), (self.config.dim, 0.5)]

    def describe(
        self, image: Tensor, reflectance: Tensor, groups: Tensor | None, valid: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Features of the pixels [B, F, H, W] and of the tokens [B, D, h, w]."""
        grid = self.encoder.token_map(image, groups)
        return self.context(image, reflectance, valid), grid

    def features(
        self, image: Tensor, reflectance: Tensor, groups: Tensor | None, valid: Tensor
    ) -> Tensor:
        """All features of every pixel [B, F + D, H, W]; arguments as for `forward`."""
        fine, coarse = self.describe(image, reflectance, groups, valid)
        enlarged = F.interpolate(coarse, size=fine.shape[2:], mode="bilinear", align_corners=False)
        return torch.cat([fine, enlarged], 1)

    def forward(
        self,
        image: Tensor,
        reflectance: Tensor,
        groups: Tensor | None = None,
        valid: Tensor | None = None,
    ) -> Tensor:
        """Logits [B, K, H, W].

        Args:
            image: Normalised image [B, C, H, W], 0 where invalid or missing.
            reflectance: The same in the card's unit.
            groups: Ascending indices [G'] of the spectral groups present; all when None.
            valid: 1 for a valid pixel [B, 1, H, W]; all when None.
        """
        if valid is None:
            valid = torch.ones_like(image[:, :1])
        return self.head(*self.describe(image, reflectance, groups, valid))

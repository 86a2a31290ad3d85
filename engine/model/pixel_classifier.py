"""Scene classifier for few labels: hand-crafted features beside the encoder's tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from .band_statistics import BandStatistics
from .common_bands import COMMON_BANDS
from .config import SpectralGPTConfig
from .encoder import SpectralEncoder
from .feature_head import LIMIT
from .network import Network
from .pixel_statistics import PixelStatistics


class PixelClassifier(Network):
    """Scene classifier: one linear layer on hand-crafted features and pooled tokens.

    Made for a few dozen labelled scenes: nothing below the last layer needs labels, and the last
    layer is fitted in closed form, so training takes seconds and is reproducible. The encoder can be
    fine-tuned as well.

    Attributes:
        encoder: Spectral encoder, pretrained.
        statistics: Hand-crafted features; of each band alone where the common bands are unknown.
        blocks: Number of features of each block, by name, in the order of `features`.
    """

    feature_mean: Tensor
    feature_scale: Tensor
    network = "pixel-classifier"

    def __init__(
        self,
        config: SpectralGPTConfig,
        classes: int,
        bands: Sequence[int] = COMMON_BANDS,
        patterns: int = 256,
    ) -> None:
        """Make the network with fresh weights.

        Args:
            config: Sizes of the encoder.
            classes: Number of classes.
            bands: Where in the image the six common bands lie (`common_bands.common_bands`);
                empty = each band of the normalised image by itself.
            patterns: Size of the patch dictionary.
        """
        super().__init__()
        self.config, self.bands, self.patterns = config, tuple(bands), patterns
        self.encoder = SpectralEncoder(config)
        self.statistics: PixelStatistics | BandStatistics
        if self.bands:
            self.statistics = PixelStatistics(patterns, bands=self.bands)
        else:
            self.statistics = BandStatistics(config.bands)
        self.blocks = {**self.statistics.widths, "tokens": config.groups * config.dim}
        total = sum(self.blocks.values())
        self.register_buffer("feature_mean", torch.zeros(total))
        self.register_buffer("feature_scale", torch.ones(total))
        self.head = nn.Linear(total, classes)

    def architecture(self) -> dict[str, Any]:
        """What `from_architecture` needs to build this network again."""
        return {
            "network": self.network,
            **self.config.to_dict(),
            "classes": self.head.out_features,
            "common_bands": list(self.bands),
            "patterns": self.patterns,
        }

    @classmethod
    def from_architecture(cls, architecture: dict[str, Any]) -> PixelClassifier:
        """Builds the network a card describes."""
        return cls(
            SpectralGPTConfig.from_dict(architecture),
            architecture["classes"],
            architecture["common_bands"],
            architecture["patterns"],
        )

    def features(
        self,
        image: Tensor,
        reflectance: Tensor,
        groups: Tensor | None = None,
        valid: Tensor | None = None,
    ) -> Tensor:
        """All features of a window, before they are standardised; arguments as for `forward`.

        Returns:
            [B, sum of `blocks`].
        """
        if valid is not None:
            image, reflectance = fill_holes(image, valid), fill_holes(reflectance, valid)
        tokens = self.encoder.norm(self.encoder(image, groups)).mean(2)  # [B, G', D]
        measured = self.statistics(reflectance if self.bands else image)
        return torch.cat([*measured, self._every_group(tokens, groups).flatten(1)], 1)

    def forward(
        self,
        image: Tensor,
        reflectance: Tensor,
        groups: Tensor | None = None,
        valid: Tensor | None = None,
    ) -> Tensor:
        """Logits [B, classes].

        Args:
            image: Normalised image [B, C, H, W], 0 where invalid or missing.
            reflectance: The same in the card's unit.
            groups: Ascending indices [G'] of the spectral groups present; all when None.
            valid: 1 for a valid pixel [B, 1, H, W]; all when None.
        """
        return self.head(self.standardise(self.features(image, reflectance, groups, valid)))

    def standardise(self, features: Tensor) -> Tensor:
        """Standardises and clips features [B, F] for the last layer."""
        return ((features - self.feature_mean) / self.feature_scale).clamp(-LIMIT, LIMIT)

    def _every_group(self, tokens: Tensor, groups: Tensor | None) -> Tensor:
        """A vector for every group [B, G, D]; a missing group gets the mean of the others."""
        if groups is None:
            return tokens
        every = torch.arange(self.config.groups, device=groups.device)
        present = (groups[None, :] == every[:, None]).to(tokens.dtype)  # [G, G']
        missing = 1 - present.sum(1, keepdim=True)  # [G, 1]
        return present @ tokens + missing * tokens.mean(1, keepdim=True)


def fill_holes(image: Tensor, valid: Tensor) -> Tensor:
    """Fills invalid pixels with the band's mean, so that holes add no texture."""
    count = valid.sum((2, 3), keepdim=True).clamp_min(1)
    return torch.where(valid > 0, image, (image * valid).sum((2, 3), keepdim=True) / count)

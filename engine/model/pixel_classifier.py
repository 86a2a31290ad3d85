"""Scene classifier for few labels: measurements of the pixels beside the encoder's tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from .config import SpectralGPTConfig
from .encoder import SpectralEncoder
from .network import Network
from .pixel_statistics import PixelStatistics


class PixelClassifier(Network):
    """Scene classifier: measurements of the pixels and pooled tokens, one linear layer.

    Made for a few dozen labelled scenes: nothing below the last layer needs labels, and the last
    layer has a closed-form fit, so a model is trained in seconds and is the same every time.

    Attributes:
        encoder: Spectral encoder, pretrained and frozen.
        statistics: Measurements of the pixels.
        blocks: Features in each block, by name, in the order of `features`.
    """

    band_mean: Tensor
    band_std: Tensor
    feature_mean: Tensor
    feature_scale: Tensor
    network = "pixel-classifier"

    def __init__(
        self,
        config: SpectralGPTConfig,
        classes: int,
        mean: Sequence[float],
        std: Sequence[float],
        patterns: int = 256,
    ) -> None:
        """Make the network with fresh weights.

        Args:
            config: Sizes of the encoder.
            classes: Labels to tell apart.
            mean: Of each band in the card's normalisation: the measurements are of reflectance,
                the tokens of normalised values.
            std: Likewise.
            patterns: Size of the patch dictionary.
        """
        super().__init__()
        self.config, self.patterns = config, patterns
        self.mean, self.std = tuple(map(float, mean)), tuple(map(float, std))
        self.encoder = SpectralEncoder(config)
        self.statistics = PixelStatistics(patterns)
        self.blocks = {**self.statistics.widths, "tokens": 2 * config.dim}
        total = sum(self.blocks.values())
        self.register_buffer("band_mean", torch.tensor(self.mean)[:, None, None], persistent=False)
        self.register_buffer("band_std", torch.tensor(self.std)[:, None, None], persistent=False)
        self.register_buffer("feature_mean", torch.zeros(total))
        self.register_buffer("feature_scale", torch.ones(total))
        self.head = nn.Linear(total, classes)

    def architecture(self) -> dict[str, Any]:
        """What `from_architecture` needs to build this network again."""
        return {
            "network": self.network,
            **self.config.to_dict(),
            "classes": self.head.out_features,
            "mean": list(self.mean),
            "std": list(self.std),
            "patterns": self.patterns,
        }

    @classmethod
    def from_architecture(cls, architecture: dict[str, Any]) -> PixelClassifier:
        """Builds the network a card describes."""
        return cls(
            SpectralGPTConfig.from_dict(architecture),
            architecture["classes"],
            architecture["mean"],
            architecture["std"],
            architecture["patterns"],
        )

    def features(
        self, image: Tensor, groups: Tensor | None = None, valid: Tensor | None = None
    ) -> Tensor:
        """All features of a window, before they are standardised.

        Args:
            image: Normalised image [B, C, H, W], 0 where invalid or missing.
            groups: Ascending indices [G'] of the spectral groups present; all when None.
            valid: 1 for a valid pixel [B, 1, H, W]; all when None.

        Returns:
            [B, sum of `blocks`].
        """
        if valid is not None:
            # A hole gets the mean of what is valid, so that it adds no texture of its own.
            count = valid.sum((2, 3), keepdim=True).clamp_min(1)
            image = torch.where(valid > 0, image, (image * valid).sum((2, 3), keepdim=True) / count)
        tokens = self.encoder.norm(self.encoder(image, groups)).mean(1)  # [B, L, D]
        centred = tokens - tokens.mean(1, keepdim=True)
        spread = torch.sqrt(centred.square().mean(1) + 1e-6)
        measured = self.statistics(image * self.band_std + self.band_mean)
        return torch.cat([*measured, tokens.mean(1), spread], 1)

    def forward(
        self, image: Tensor, groups: Tensor | None = None, valid: Tensor | None = None
    ) -> Tensor:
        """Logits [B, classes]; arguments as for `features`."""
        # A feature far from anything seen in training must not decide alone.
        standard = (self.features(image, groups, valid) - self.feature_mean) / self.feature_scale
        return self.head(standard.clamp(-4, 4))

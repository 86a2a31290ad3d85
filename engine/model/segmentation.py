"""Segmentation network as published: a class for every pixel of a window."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from .config import SpectralGPTConfig
from .dense_head import DenseNetwork


class SegmentationNetwork(DenseNetwork):
    """Encoder and pixel-wise head on one image."""

    network = "segmentation"

    @classmethod
    def from_architecture(cls, architecture: dict[str, Any]) -> SegmentationNetwork:
        """Builds the network a card describes."""
        options = {
            key: architecture[key] for key in ("classes", "width", "dropout", "neck_dropout")
        }
        return cls(SpectralGPTConfig.from_dict(architecture), **options)

    def forward(self, image: Tensor, groups: Tensor | None = None) -> Tensor:
        """Scores each class at each pixel.

        Args:
            image: Normalised image [B, C, H, W].
            groups: Ascending indices [G'] of the spectral groups present; all when None.

        Returns:
            Logits [B, classes, H, W].
        """
        return self.decode(self.token_map(image, groups))

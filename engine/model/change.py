"""Change network as published: whether each pixel of a window differs between two dates."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .config import SpectralGPTConfig
from .dense_head import PUBLISHED_WIDTH, DenseNetwork


class ChangeNetwork(DenseNetwork):
    """One encoder for both dates, and the pixel-wise head on the difference of their token maps."""

    network = "change"

    def __init__(
        self,
        config: SpectralGPTConfig,
        width: int = PUBLISHED_WIDTH,
        dropout: float = 0.5,
        neck_dropout: float = 0.0,
    ) -> None:
        """Makes the network with fresh weights; arguments as in `DenseNetwork`."""
        super().__init__(config, 2, width, dropout, neck_dropout)

    @classmethod
    def from_architecture(cls, architecture: dict[str, Any]) -> ChangeNetwork:
        """Builds the network a card describes."""
        options = {key: architecture[key] for key in ("width", "dropout", "neck_dropout")}
        return cls(SpectralGPTConfig.from_dict(architecture), **options)

    def forward(self, before: Tensor, after: Tensor, groups: Tensor | None = None) -> Tensor:
        """Scores change at each pixel.

        Args:
            before: Normalised image of the first date [B, C, H, W].
            after: Normalised image of the second date [B, C, H, W].
            groups: Ascending indices [G'] of the spectral groups present; all when None.

        Returns:
            Log-probabilities [B, 2, H, W] of unchanged and changed.
        """
        # Both dates in one batch: the same result as two passes, but the weights are read once.
        maps = self.token_map(torch.cat([before, after]), groups)  # [2B, D, h, w]
        count = before.shape[0]
        return self.decode(maps[:count] - maps[count:]).log_softmax(dim=1)

"""Change between two dates, learned from few labels: plain evidence beside the tokens.

Both dates go through the same layers and only order-free combinations go on: what is change from
before to after is change from after to before.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from .config import SpectralGPTConfig
from .encoder import SpectralEncoder
from .feature_head import FeatureHead
from .network import Network
from .pixel_change import ChangeEvidence
from .pixel_context import box_mean

_SIZES = (1, 3, 7)  # pixels; a building lot is a few pixels wide, misregistration is narrower


class TunedChange(Network):
    """A network of the user's own: how far spectra moved, each band's move, and the tokens' move.

    Attributes:
        encoder: Of the base; frozen, or fine-tuned with the head.
        evidence: Movement of the spectra at several scales.
        head: What is learned first.
    """

    network = "tuned-change"

    def __init__(self, config: SpectralGPTConfig, hidden: int = 0) -> None:
        """Makes the network with fresh weights.

        Args:
            config: Sizes of the encoder.
            hidden: Width of the head's hidden layer, 0 for a linear head.
        """
        super().__init__()
        self.config = config
        self.encoder = SpectralEncoder(config)
        self.evidence = ChangeEvidence(config.spectral_patch, config.groups)
        self.widths = (
            self.evidence.channels,
            config.bands * len(_SIZES),
            2 * config.bands,
        )
        self.head = FeatureHead(sum(self.widths), 2 * config.dim, 2, hidden)

    def architecture(self) -> dict[str, Any]:
        """What `from_architecture` needs to build this network again."""
        return {"network": self.network, **self.config.to_dict(), "hidden": self.head.hidden}

    @classmethod
    def from_architecture(cls, architecture: dict[str, Any]) -> TunedChange:
        """Builds the network a card describes."""
        return cls(SpectralGPTConfig.from_dict(architecture), architecture["hidden"])

    def blocks(self) -> list[tuple[int, float]]:
        """Width and weight of each block of features, for discriminants."""
        dim = self.config.dim
        weights = (1.0, 1.0, 0.5)
        return [*zip(self.widths, weights), (dim, 0.5), (dim, 0.25)]

    def describe(
        self, before: Tensor, after: Tensor, valid: Tensor, groups: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Features of the pixels [B, F, H, W] and of the tokens [B, 2 D, h, w]."""
        every = torch.arange(self.config.groups, device=before.device)
        if groups is None:
            groups = every
        present = (groups[:, None] == every).any(0).to(before.dtype)  # [G]
        by_band = present[:, None].expand(-1, self.config.spectral_patch).reshape(-1, 1, 1)
        before, after = before * valid * by_band, after * valid * by_band
        moved = (after - before).clamp(-6, 6)
        seen = [box_mean(valid, size).clamp_min(1e-3) for size in _SIZES]
        moves = [(box_mean(moved, size) / part).abs() * valid for size, part in zip(_SIZES, seen)]
        middle = box_mean((before + after).clamp(-6, 6) / 2, 7) / seen[-1]
        spread = box_mean(moved.square(), 7) / seen[-1] - (box_mean(moved, 7) / seen[-1]).square()
        fine = torch.cat(
            [
                self.evidence(before, after, valid, present),
                *moves,
                middle * valid,
                torch.sqrt(spread.clamp_min(0) + 1e-4) * valid,
            ],
            1,
        )
        return fine, self._tokens(before, after, groups)

    def features(
        self, before: Tensor, after: Tensor, valid: Tensor, groups: Tensor | None = None
    ) -> Tensor:
        """All features of every pixel [B, F + 2 D, H, W]; arguments as for `forward`."""
        fine, coarse = self.describe(before, after, valid, groups)
        enlarged = F.interpolate(coarse, size=fine.shape[2:], mode="bilinear", align_corners=False)
        return torch.cat([fine, enlarged], 1)

    def forward(
        self, before: Tensor, after: Tensor, valid: Tensor, groups: Tensor | None = None
    ) -> Tensor:
        """Logits [B, 2, H, W]: unchanged, changed.

        Args:
            before: Standardised first date [B, C, H, W], 0 where invalid or missing.
            after: Second date, likewise.
            valid: 1 where both dates are valid [B, 1, H, W].
            groups: Ascending indices [G'] of the spectral groups present; all when None.
        """
        return self.head(*self.describe(before, after, valid, groups))

    def _tokens(self, before: Tensor, after: Tensor, groups: Tensor) -> Tensor:
        """How the tokens moved, and their mean: [B, 2 D, h, w]."""
        count = before.shape[0]
        dates = torch.cat([before, after])  # [2B, C, H, W]
        tokens = self.encoder.norm(self.encoder(dates, groups)).mean(1)  # [2B, L, D]
        rows, columns = (side // self.config.patch for side in before.shape[2:])
        grid = tokens.transpose(1, 2).reshape(2 * count, -1, rows, columns)
        first, second = grid[:count], grid[count:]
        return torch.cat([(second - first).abs(), (first + second) / 2], 1)

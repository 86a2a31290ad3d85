"""Change network for few labels: hand-crafted features of spectral change beside learned ones.

As in `pixel_change`, only symmetric combinations of the two dates are used: swapping them does not
alter the result.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .config import SpectralGPTConfig
from .encoder import SpectralEncoder
from .feature_head import FeatureHead
from .network import Network
from .pixel_change import ChangeEvidence, PixelChange
from .pixel_context import box_mean
from .spectral_groups import band_mask, group_mask
from .surroundings import Surroundings

_SIZES = (1, 3, 7)  # pixels: a building lot is a few pixels wide, misregistration is narrower
_FARTHEST = 6.0  # standard deviations: larger changes are clipped


class TunedChange(Network):
    """A change model of the user's own, on the change of spectra, of single bands and of tokens.

    Made from the change model that ships, or from an earlier one of the user's, it also uses that
    model's features at each pixel, and its logit.

    Attributes:
        pixels: The change model that it extends; None when made from a backbone.
        evidence: Magnitude of spectral change at several scales.
        widths: Widths of the blocks of fine features.
        head: The head that is fitted first.
        surroundings: Convolutions that are averaged with the head, if enough places were labelled.
    """

    network = "tuned-change"

    def __init__(
        self,
        config: SpectralGPTConfig,
        hidden: int = 0,
        levels: Sequence[int] = (),
        surroundings: bool = False,
    ) -> None:
        """Makes the network with fresh weights.

        Args:
            config: Sizes of the encoder.
            hidden: Width of the head's hidden layer, 0 for a linear head.
            levels: Widths of the change model's pixel branch; empty for an encoder alone.
            surroundings: Whether convolutions are averaged with the head.
        """
        super().__init__()
        self.config, self.levels = config, tuple(levels)
        self.pixels = PixelChange(config, self.levels) if self.levels else None
        self.backbone = None if self.levels else SpectralEncoder(config)
        self.evidence = ChangeEvidence(config.spectral_patch, config.groups)
        self.widths = [self.evidence.channels, config.bands * len(_SIZES), 2 * config.bands]
        if self.levels:
            self.widths.append(self.levels[0] + 1)
        self.head = FeatureHead(sum(self.widths), 2 * config.dim, 2, hidden)
        self.surroundings = Surroundings(sum(self.widths)) if surroundings else None

    @property
    def encoder(self) -> SpectralEncoder:
        """The base's encoder; frozen, or fine-tuned with the head."""
        found: nn.Module | None = self.backbone if self.pixels is None else self.pixels.encoder
        if not isinstance(found, SpectralEncoder):
            raise TypeError("The network has lost its encoder.")
        return found

    def architecture(self) -> dict[str, Any]:
        """What `from_architecture` needs to build this network again."""
        return {
            "network": self.network,
            **self.config.to_dict(),
            "hidden": self.head.hidden,
            "levels": list(self.levels),
            "surroundings": self.surroundings is not None,
        }

    @classmethod
    def from_architecture(cls, architecture: dict[str, Any]) -> TunedChange:
        """Builds the network a card describes."""
        config = SpectralGPTConfig.from_dict(architecture)
        surroundings = architecture.get("surroundings", False)  # older files have none
        return cls(config, architecture["hidden"], architecture["levels"], surroundings)

    def take_change_model(self, model: PixelChange) -> None:
        """Copies a change model's weights except the encoder's, which `load_backbone` loads."""
        if self.pixels is None:
            raise TypeError("The network was made without a pixel branch.")
        state = model.state_dict()
        own = self.pixels.state_dict()
        self.pixels.load_state_dict(
            {key: own[key] if key.startswith("encoder.") else state[key] for key in own}
        )

    def blocks(self) -> list[tuple[int, float]]:
        """Width and weight of each block of features, for discriminants."""
        dim = self.config.dim
        # The change model was trained on more places than a user labels, so it weighs most. The mean
        # of both dates' tokens describes the place itself, which misleads elsewhere: weight 0.
        weights = (1.0, 1.0, 0.5, 3.0)
        return [*zip(self.widths, weights), (dim, 0.5), (dim, 0.0)]

    def describe(
        self, before: Tensor, after: Tensor, valid: Tensor, groups: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Features of the pixels [B, F, H, W] and of the tokens [B, 2 D, h, w]."""
        if groups is None:
            groups = torch.arange(self.config.groups, device=before.device)
        present = group_mask(groups, self.config.groups, before.dtype)
        by_band = band_mask(present, self.config.spectral_patch)  # [C, 1, 1]
        before, after = before * valid * by_band, after * valid * by_band
        moved = (after - before).clamp(-_FARTHEST, _FARTHEST)
        seen = [box_mean(valid, size).clamp_min(1e-3) for size in _SIZES]
        moves = [(box_mean(moved, size) / part).abs() * valid for size, part in zip(_SIZES, seen)]
        middle = box_mean((before + after).clamp(-_FARTHEST, _FARTHEST) / 2, 7) / seen[-1]
        spread = box_mean(moved.square(), 7) / seen[-1] - (box_mean(moved, 7) / seen[-1]).square()
        plain = [*moves, middle * valid, torch.sqrt(spread.clamp_min(0) + 1e-4) * valid]
        if self.pixels is None:
            evidence = self.evidence(before, after, valid, present)
            grid = self.encoder.token_map(torch.cat([before, after]), groups)
            return torch.cat([evidence, *plain], 1), _moved(grid, before.shape[0])
        decoded, evidence, grid = self.pixels.describe(before, after, valid, groups)
        verdict = self.pixels.head(torch.cat([decoded, evidence], 1))  # [B, 1, H, W]
        return torch.cat([evidence, *plain, decoded, verdict], 1), _moved(grid, before.shape[0])

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
            after: Standardised second date, in the same form.
            valid: 1 where both dates are valid [B, 1, H, W].
            groups: Ascending indices [G'] of the spectral groups present; all when None.
        """
        fine, coarse = self.describe(before, after, valid, groups)
        logits: Tensor = self.head(fine, coarse)  # [B, 2, H, W]
        if self.surroundings is None:
            return logits
        odds = self.surroundings(fine, logits[:, 1:] - logits[:, :1])
        return torch.cat([torch.zeros_like(odds), odds], 1)


def _moved(grid: Tensor, count: int) -> Tensor:
    """Absolute change and mean of the tokens: [2 B, D, h, w] to [B, 2 D, h, w]; `count` is B."""
    first, second = grid[:count], grid[count:]
    return torch.cat([(second - first).abs(), (first + second) / 2], 1)

"""Normalisation as part of the graph: from a model's input unit to what its network was trained on.

Invalid pixels become 0 and do not influence valid ones.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..cards import Normalisation
from ..errors import ModelInvalid


class Statistics(nn.Module):
    """Fixed mean and standard deviation of each band."""

    mean: Tensor
    std: Tensor

    def __init__(self, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        """Keeps the statistics, one value a band, in the unit of the image."""
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean)[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(std)[:, None, None], persistent=False)

    def forward(self, image: Tensor, valid: Tensor) -> Tensor:
        """Standardises [B, C, H, W] where `valid` [B, 1, H, W] is not 0."""
        return torch.where(valid > 0, (image - self.mean) / self.std, 0.0)


class TileMinMax(nn.Module):
    """Scales each band of each window to 0..1 by its valid pixels; a constant band becomes 0."""

    # Keeps the division finite; negligible beside one step of a 16-bit image.
    eps = 1e-10

    def forward(self, image: Tensor, valid: Tensor) -> Tensor:
        """Scales [B, C, H, W] where `valid` [B, 1, H, W] is not 0."""
        seen = valid > 0
        low = torch.where(seen, image, torch.inf).amin(dim=(2, 3), keepdim=True)  # [B, C, 1, 1]
        high = torch.where(seen, image, -torch.inf).amax(dim=(2, 3), keepdim=True)
        return torch.where(seen, (image - low) / (high - low + self.eps), 0.0)


class Unchanged(nn.Module):
    """Leaves values as they are, for scenes that the engine normalises before the graph."""

    def forward(self, image: Tensor, valid: Tensor) -> Tensor:
        """Keeps [B, C, H, W] where `valid` [B, 1, H, W] is not 0."""
        return torch.where(valid > 0, image, 0.0)


def normalisation(kind: Normalisation, bands: int) -> nn.Module:
    """The module for a card's normalisation.

    Args:
        kind: The card's normalisation.
        bands: Number of bands that the network sees.

    Returns:
        A module called with image [B, C, H, W] and valid [B, 1, H, W].

    Raises:
        ModelInvalid: The kind is unknown, or its statistics do not fit the bands.
    """
    if kind.kind == "statistics":
        if not len(kind.mean) == len(kind.std) == bands or min(kind.std, default=0) <= 0:
            raise ModelInvalid(
                f"The statistics in the card do not match its {bands} bands: {len(kind.mean)} means, {len(kind.std)} "
                "standard deviations (each must be above 0). Train or import the model again."
            )
        return Statistics(kind.mean, kind.std)
    if kind.kind == "tile-minmax":
        return TileMinMax()
    if kind.kind in ("none", "scene-statistics"):
        return Unchanged()
    raise ModelInvalid(
        f"The card asks for the normalisation '{kind.kind}', but this version supports only statistics, tile-minmax, "
        "scene-statistics and none. Update the plugin."
    )

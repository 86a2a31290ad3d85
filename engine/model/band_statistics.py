"""Features of a scene for arbitrary bands: statistics of each band by itself."""

from __future__ import annotations

from torch import Tensor, nn

from .pixel_statistics import GRADIENT_SCALES, QUANTILES, moments


class BandStatistics(nn.Module):
    """Mean, deviation, quantiles and gradients of each band of a window.

    Attributes:
        widths: Number of features in the only block, as in `PixelStatistics`.
    """

    def __init__(self, bands: int) -> None:
        """Makes the features of so many bands."""
        super().__init__()
        self.widths = {"bands": bands * (2 + len(QUANTILES) + len(GRADIENT_SCALES))}

    def forward(self, image: Tensor) -> list[Tensor]:
        """Features of a normalised image [B, C, H, W]: one block [B, widths["bands"]]."""
        return [moments(image)]

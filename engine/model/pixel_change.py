"""The change network that ships: a Siamese network on pixels and tokens.

Both dates go through the same layers, and only symmetric combinations (absolute difference, sum) are
used: swapping the dates does not alter the result. Beside learned features the network is given the
magnitude of each pixel's spectral change, so that it starts from change-vector analysis and learns
which changes to believe.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import InvalidParameter
from .config import SpectralGPTConfig
from .encoder import SpectralEncoder
from .network import Network
from .pixel_stem import ConvBlock, PixelStem
from .spectral_groups import band_mask, group_mask

# Neighbourhoods (pixels, odd) over which spectral change is averaged: a building lot is a few pixels
# wide, misregistration and noise are narrower.
SCALES = (1, 3, 7, 15)
LOCAL_SCALES = (3, 7)
SURROUNDINGS = 31


class ChangeEvidence(nn.Module):
    """Magnitude of spectral change: root mean square over each spectral group, and over all.

    At several scales, and in two forms: as it is, and relative to the mean change of the surroundings,
    which is haze or season rather than change.
    """

    def __init__(self, spectral_patch: int, groups: int) -> None:
        """Make it for `groups` groups of `spectral_patch` bands."""
        super().__init__()
        self.spectral_patch, self.groups = spectral_patch, groups
        self.channels = (groups + 1) * (len(SCALES) + len(LOCAL_SCALES))

    def forward(self, before: Tensor, after: Tensor, valid: Tensor, present: Tensor) -> Tensor:
        """Measure the change.

        Args:
            before: Standardised first date [B, C, H, W], 0 where invalid or missing.
            after: Standardised second date, in the same form.
            valid: 1 where both dates are valid [B, 1, H, W].
            present: 1 for each spectral group that the images have [G].

        Returns:
            log(1 + movement) [B, channels, H, W]; a missing group has 0.
        """
        moved = after - before
        local = (moved - _mean(moved, valid, SURROUNDINGS)) * valid
        plain, relative = self._length(moved, present), self._length(local, present)
        out = [_mean(plain, valid, size) for size in SCALES]
        out += [_mean(relative, valid, size) for size in LOCAL_SCALES]
        return torch.log1p(torch.cat(out, 1))

    def _length(self, moved: Tensor, present: Tensor) -> Tensor:
        """Root mean square per group and overall: [B, C, H, W] to [B, G + 1, H, W]."""
        squares = moved.square()
        step = self.spectral_patch
        parts = [squares[:, i * step : (i + 1) * step].mean(1) for i in range(self.groups)]
        groups = torch.stack(parts, 1) * present[:, None, None]
        overall = groups.sum(1, keepdim=True) / present.sum()
        return torch.sqrt(torch.cat([groups, overall], 1) + 1e-6)


class PixelChange(Network):
    """Siamese network: SpectralGPT's tokens for the context, convolutions for the pixels.

    Attributes:
        encoder: Spectral encoder, the same for both dates.
        widths: Channels of the pixel branch; level i has stride 2 ** i, the last one that of a token.
    """

    network = "pixel-change"

    def __init__(self, config: SpectralGPTConfig, widths: Sequence[int] = (12, 24, 32, 64)) -> None:
        """Makes the network with fresh weights.

        Args:
            config: Sizes of the encoder.
            widths: Channels of the pixel branch, log2(patch) + 1 of them.

        Raises:
            InvalidParameter: The coarsest pixels do not match the tokens.
        """
        super().__init__()
        self.config, self.widths = config, tuple(widths)
        if 2 ** (len(self.widths) - 1) != config.patch:
            raise InvalidParameter(
                f"{len(self.widths)} pixel levels end at stride {2 ** (len(self.widths) - 1)}, but a token is "
                f"{config.patch} pixels wide. Specify one width for each stride from 1 to {config.patch}."
            )
        self.encoder = SpectralEncoder(config)
        self.evidence = ChangeEvidence(config.spectral_patch, config.groups)
        self.stem = PixelStem(config.bands, self.widths)
        self.joins = nn.ModuleList([nn.Conv2d(2 * width, width, 1) for width in self.widths])
        coarsest = self.widths[-1]
        self.tokens = nn.Conv2d(2 * config.dim, coarsest, 1)
        self.bottom = ConvBlock(coarsest, coarsest)
        self.up = nn.ModuleList()
        for index in range(len(self.widths) - 2, -1, -1):
            fine = self.widths[index]
            inputs = fine + self.widths[index + 1] + (0 if index else self.evidence.channels)
            self.up.append(nn.Sequential(ConvBlock(inputs, fine), ConvBlock(fine, fine)))
        self.head = nn.Conv2d(self.widths[0] + self.evidence.channels, 1, 1)

    def architecture(self) -> dict[str, Any]:
        """Plain values from which `from_architecture` builds this network again."""
        return {"network": self.network, **self.config.to_dict(), "widths": list(self.widths)}

    @classmethod
    def from_architecture(cls, architecture: dict[str, Any]) -> PixelChange:
        """Builds the network a card describes."""
        return cls(SpectralGPTConfig.from_dict(architecture), architecture["widths"])

    def forward(
        self, before: Tensor, after: Tensor, valid: Tensor, groups: Tensor | None = None
    ) -> Tensor:
        """Compute the change logits.

        Args:
            before: Standardised first date [B, C, H, W], 0 where invalid or missing.
            after: Standardised second date, in the same form; H and W divisible by the patch.
            valid: 1 where both dates are valid [B, 1, H, W].
            groups: Ascending indices of the spectral groups present; None for all.

        Returns:
            Logits [B, 2, H, W]: unchanged (always 0), changed.
        """
        out, evidence, _ = self.describe(before, after, valid, groups)
        logit = self.head(torch.cat([out, evidence], 1))  # [B, 1, H, W]
        return torch.cat([torch.zeros_like(logit), logit], 1)

    def describe(
        self, before: Tensor, after: Tensor, valid: Tensor, groups: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The inputs of the head; arguments as for `forward`.

        Returns:
            Decoded features [B, widths[0], H, W], the spectral change [B, E, H, W], and the tokens of
            both dates [2 B, D, H / 8, W / 8].
        """
        if groups is None:
            groups = torch.arange(self.config.groups, device=before.device)
        present = group_mask(groups, self.config.groups, before.dtype)
        by_band = band_mask(present, self.config.spectral_patch)  # [C, 1, 1]
        before, after = before * valid * by_band, after * valid * by_band
        count = before.shape[0]
        dates = torch.cat([before, after])  # [2B, C, H, W]
        maps = [
            join(_join(level[:count], level[count:]))
            for join, level in zip(self.joins, self.stem(dates))
        ]
        grid = self.encoder.token_map(dates, groups)
        out = maps[-1] + self.tokens(_join(grid[:count], grid[count:]))
        out = self.bottom(F.gelu(out))
        evidence = self.evidence(before, after, valid, present)
        for level, up in zip(range(len(maps) - 2, -1, -1), self.up):
            out = F.interpolate(out, scale_factor=2.0, mode="bilinear", align_corners=False)
            parts = [out, maps[level]] if level else [out, maps[level], evidence]
            out = up(torch.cat(parts, 1))
        return out, evidence, grid


def _join(first: Tensor, second: Tensor) -> Tensor:
    """Symmetric combination of two dates: absolute difference and sum."""
    return torch.cat([(first - second).abs(), first + second], 1)


def _mean(image: Tensor, valid: Tensor, size: int) -> Tensor:
    """Mean over the valid pixels of a size x size neighbourhood, 0 on invalid ones."""
    image = image * valid
    if size == 1:
        return image
    total, seen = (
        F.avg_pool2d(F.avg_pool2d(x, (1, size), 1, (0, size // 2)), (size, 1), 1, (size // 2, 0))
        for x in (image, valid)
    )
    return valid * total / seen.clamp_min(1e-3)

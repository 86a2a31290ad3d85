"""Hand-crafted features of each pixel and its neighbourhood, which need no training.

A layout says which bands are used how, so that they serve any sensor: spectra and band ratios where
the bands are known, plain values where not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..cards import Card
from .common_bands import COMMON_BANDS, COMMON_NAMES, places_by_name

# Normalised differences of common bands: vegetation, water, wetness, built-up, moisture, red to
# blue, green to red, short-wave infrared.
_RATIOS = (
    ("nir", "red"),
    ("green", "nir"),
    ("green", "swir16"),
    ("swir16", "nir"),
    ("nir", "swir22"),
    ("red", "blue"),
    ("green", "red"),
    ("swir16", "swir22"),
)
_NEAR_RATIOS = 6  # the first of them are also described over neighbourhoods
_FLOOR = 0.02  # reflectance added to denominators, so that ratios of dark pixels stay moderate


@dataclass(frozen=True)
class ContextLayout:
    """Which bands are used how.

    Attributes:
        spectra: Bands whose log reflectance is used.
        ratios: Pairs of bands whose normalised difference is used.
        plain: Bands whose normalised values are used as they are.
        texture: Indices of pixel features (spectra, then ratios; or plain) whose standard
            deviation over neighbourhoods is used.
    """

    spectra: tuple[int, ...]
    ratios: tuple[tuple[int, int], ...]
    plain: tuple[int, ...]
    texture: tuple[int, ...]

    @classmethod
    def of(cls, card: Card) -> ContextLayout:
        """The layout for a card: by the common names of its bands, if its unit is reflectance."""
        place = places_by_name(card)
        known = [place[name] for name in COMMON_NAMES if name in place]
        if card.unit != "reflectance" or len(known) < 2:
            every = tuple(range(len(card.bands)))
            return cls((), (), every, every[:2])
        ratios = tuple(
            (place[first], place[second])
            for first, second in _RATIOS
            if first in place and second in place
        )
        plain = tuple(index for index in range(len(card.bands)) if index not in known)
        red = known.index(place["red"]) if "red" in place else 0
        texture = (red, len(known)) if ratios else (red,)
        return cls(tuple(known), ratios, plain, texture)

    def to_list(self) -> list[Any]:
        """As plain values for a card."""
        return [list(self.spectra), [list(p) for p in self.ratios], [*self.plain], [*self.texture]]

    @classmethod
    def from_list(cls, values: Sequence[Any]) -> ContextLayout:
        """From what `to_list` gave."""
        spectra, ratios, plain, texture = values
        return cls(tuple(spectra), tuple((a, b) for a, b in ratios), tuple(plain), tuple(texture))


# Of the shipped models' nine bands: the red edge is plain.
NINE_BANDS = ContextLayout(
    COMMON_BANDS,
    ((6, 2), (1, 6), (1, 7), (7, 6), (6, 8), (2, 0), (1, 2), (7, 8)),
    (3, 4, 5),
    (2, 6),
)


class PixelContext(nn.Module):
    """Spectra and ratios of each pixel, with their means and deviations over neighbourhoods.

    Attributes:
        channels: Number of features.
        own_channels: Number of the first features, which describe the pixel alone.
    """

    def __init__(
        self, sizes: Sequence[int] = (3, 7, 15, 31), layout: ContextLayout = NINE_BANDS
    ) -> None:
        """Make it.

        Args:
            sizes: Sides of the neighbourhoods, pixels, odd.
            layout: Which bands are used how.
        """
        super().__init__()
        self.sizes, self.layout = tuple(sizes), layout
        near = min(len(layout.ratios), _NEAR_RATIOS)
        described = len(layout.spectra) + near if layout.spectra else len(layout.plain)
        self.own_channels = len(layout.plain) + len(layout.spectra) + len(layout.ratios)
        self.channels = self.own_channels + (described + len(layout.texture)) * len(self.sizes)

    def forward(self, image: Tensor, reflectance: Tensor, valid: Tensor) -> Tensor:
        """Describe every pixel.

        Args:
            image: Normalised image [B, C, H, W], 0 where invalid or missing.
            reflectance: The image in the card's unit, reflectance where known.
            valid: 1 for a valid pixel [B, 1, H, W].

        Returns:
            [B, channels, H, W].
        """
        layout = self.layout
        plain = image[:, list(layout.plain)].clamp(-3, 3)
        out, own = [plain], plain
        if layout.spectra:
            bands = reflectance.clamp_min(0)
            spectra = torch.log(bands[:, list(layout.spectra)] + 0.02) + 2  # about -2..2
            ratios = [
                2 * (bands[:, a] - bands[:, b]) / (bands[:, a] + bands[:, b] + _FLOOR)
                for a, b in layout.ratios
            ]
            # Two known bands need not be a pair of any ratio.
            measured = [spectra, torch.stack(ratios, 1)] if ratios else [spectra]
            own = torch.cat([spectra, *(part[:, :_NEAR_RATIOS] for part in measured[1:])], 1)
            out += measured
        own = own * valid
        texture = list(layout.texture)
        for size in self.sizes:
            seen = box_mean(valid, size).clamp_min(1e-3)
            mean = box_mean(own, size) / seen
            pair, centre = own[:, texture], mean[:, texture]
            spread = (box_mean(pair.square(), size) / seen - centre.square()).clamp_min(0)
            out += [mean, 3 * torch.sqrt(spread + 1e-4)]
        return torch.cat(out, 1)


def box_mean(image: Tensor, size: int) -> Tensor:
    """Mean over a square; pixels beyond the border count as 0."""
    recorded = torch.jit.is_tracing() or torch.compiler.is_exporting()
    if image.device.type == "cpu" and not recorded:
        # Matrix products take a tenth (largest squares) to a third (smallest) of the time of PyTorch's pooling, which
        # adds up every square anew. In exported graphs pooling is the faster one.
        height, width = image.shape[2:]
        return _averaging(height, size, image) @ (image @ _averaging(width, size, image))
    rows = F.avg_pool2d(image, (1, size), 1, (0, size // 2))
    return F.avg_pool2d(rows, (size, 1), 1, (size // 2, 0))


def _averaging(length: int, size: int, like: Tensor) -> Tensor:
    """Matrix [length, length] whose product is a moving mean: 1 / `size` near the diagonal."""
    place = torch.arange(length)
    return ((place[:, None] - place).abs() <= size // 2).to(like.dtype) / size

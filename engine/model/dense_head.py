"""The published head of pixel-wise tasks: from a map of tokens to scores at full resolution.

Four necks make a feature pyramid of the encoder's single map (16, 32, 64 and 128 rows for a window
of 128), and a decoder after UPerNet fuses it from coarse to fine. Parameters are named as in the
published weights.
"""

from __future__ import annotations

import functools
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import InvalidParameter
from .config import SpectralGPTConfig
from .encoder import SpectralBackbone

PUBLISHED_WIDTH = 256
_PATCH = 8  # token side that the finest neck's stride of 8 brings back to pixels


def resize(image: Tensor, rows: int, columns: int) -> Tensor:
    """Resizes bilinearly with aligned corners, as the published networks do."""
    if image.is_cuda:  # PyTorch's own kernel is many times slower on a GPU
        return down_and_across(image, rows, columns)
    return F.interpolate(image, size=(rows, columns), mode="bilinear", align_corners=True)


def down_and_across(image: Tensor, rows: int, columns: int) -> Tensor:
    """`resize` as two matrix products: [B, C, H, W] to [B, C, rows, columns]."""
    down = resizing_matrix(image.shape[2], rows).to(image)  # [rows, H]
    across = resizing_matrix(image.shape[3], columns).to(image)  # [columns, W]
    wide = image.flatten(0, 1) @ across.T  # [B * C, H, columns]
    tall = torch.bmm(down.expand(len(wide), -1, -1), wide)  # [B * C, rows, columns]
    return tall.reshape(*image.shape[:2], rows, columns)


@functools.lru_cache(maxsize=64)
def resizing_matrix(old: int, new: int) -> Tensor:
    """Interpolation weights [new, old] along one axis, bilinear with aligned corners."""
    places = torch.linspace(0, old - 1, new, dtype=torch.float64) if new > 1 else torch.zeros(1)
    return (1 - (places[:, None] - torch.arange(old)).abs()).clamp(min=0).float()


class AdaptiveMaxPool(nn.Module):
    """Maximum over bins x bins cells of a map of any size.

    Equals torch's AdaptiveMaxPool2d, which cannot be exported to ONNX where the map's side is not a
    multiple of the bins (16 rows in 3 or 6 bins); so it is written with fixed slices.
    """

    def __init__(self, bins: int) -> None:
        """Pools to a map of `bins` x `bins`."""
        super().__init__()
        self.bins = bins

    def forward(self, image: Tensor) -> Tensor:
        """Maps [B, C, H, W] to [B, C, bins, bins]."""
        for axis in (2, 3):
            side = image.shape[axis]
            cells = []
            for cell in range(self.bins):
                start = cell * side // self.bins
                end = -(-(cell + 1) * side // self.bins)  # rounded up: cells may overlap
                cells.append(image.narrow(axis, start, end - start).amax(axis, keepdim=True))
            image = torch.cat(cells, dim=axis)
        return image


class PyramidPooling(nn.Module):
    """Adds context to every place, pooled at four sizes."""

    def __init__(self, channels: int, width: int, dropout: float) -> None:
        """Makes the pooling from `channels` to `width` channels."""
        super().__init__()
        bins = (1, 2, 3, 6)
        self.psp_modules = nn.ModuleList(
            nn.Sequential(AdaptiveMaxPool(count), nn.Conv2d(channels, width, 1)) for count in bins
        )
        self.final = _fuse(channels + width * len(bins), width, dropout)

    def forward(self, image: Tensor) -> Tensor:
        """Maps [B, channels, h, w] to [B, width, h, w]."""
        size = image.shape[2:]
        pooled = [resize(module(image), *size) for module in self.psp_modules]
        return self.final(torch.cat([*pooled, image], dim=1))


class PyramidDecoder(nn.Module):
    """Fuses the pyramid from coarse to fine."""

    def __init__(self, width: int, dropout: float, pooling_dropout: float) -> None:
        """Makes the decoder for the necks of a head of `width` channels."""
        super().__init__()
        self.PPMHead = PyramidPooling(8 * width, width, pooling_dropout)
        self.Conv_fuse1 = _fuse(4 * width, width, dropout)
        self.Conv_fuse1_ = _fuse(width, width, dropout)
        self.Conv_fuse2 = _fuse(2 * width, width, dropout)
        self.Conv_fuse2_ = _fuse(width, width, dropout)
        self.Conv_fuse3 = _fuse(width, width, dropout)
        self.Conv_fuse3_ = _fuse(width, width, dropout)
        self.fuse_all = _fuse(4 * width, width, dropout)
        self.conv_x1 = nn.Conv2d(width, width, 1)

    def forward(self, pyramid: list[Tensor]) -> Tensor:
        """Fuses the levels.

        Args:
            pyramid: Finest first: [B, width, 8h, 8w], [B, 2 width, 4h, 4w], [B, 4 width, 2h, 2w],
                [B, 8 width, h, w].

        Returns:
            [B, width, 8h, 8w].
        """
        fine, middle, coarse, coarsest = pyramid
        x1 = self.PPMHead(coarsest)  # [B, width, h, w]
        joined = self.conv_x1(resize(x1, *coarse.shape[2:])) + self.Conv_fuse1(coarse)
        x2 = self.Conv_fuse1_(joined)  # [B, width, 2h, 2w]
        joined = resize(x2, *middle.shape[2:]) + self.Conv_fuse2(middle)
        x3 = self.Conv_fuse2_(joined)  # [B, width, 4h, 4w]
        joined = resize(x3, *fine.shape[2:]) + self.Conv_fuse3(fine)
        x4 = self.Conv_fuse3_(joined)  # [B, width, 8h, 8w]
        return self._fuse_levels([x1, x2, x3, x4])

    def _fuse_levels(self, levels: list[Tensor]) -> Tensor:
        """`fuse_all` on all levels at the size of the finest.

        Its convolution is 1 x 1, so each level is mixed before it is enlarged: the same values for a quarter of the
        operations.
        """
        mix, finest = cast(nn.Conv2d, self.fuse_all[0]), levels[-1]
        weights = mix.weight.split([level.shape[1] for level in levels], dim=1)
        fused = F.conv2d(finest, weights[-1], mix.bias)
        for level, weight in zip(levels[:-1], weights):
            fused = fused + resize(F.conv2d(level, weight), *finest.shape[2:])
        result: Tensor = self.fuse_all[1:](fused)
        return result


class DenseNetwork(SpectralBackbone):
    """Encoder with the published pixel-wise head; base class of segmentation and change."""

    network = ""

    def __init__(
        self,
        config: SpectralGPTConfig,
        classes: int,
        width: int = PUBLISHED_WIDTH,
        dropout: float = 0.5,
        neck_dropout: float = 0.0,
    ) -> None:
        """Makes the network with fresh weights.

        Args:
            config: Sizes of the encoder; its patch must be 8.
            classes: Number of scores for each pixel.
            width: Channels of the decoder, a multiple of 16.
            dropout: Dropout rate after each fusing layer.
            neck_dropout: Dropout rate at the end of the necks and of the pyramid pooling.

        Raises:
            InvalidParameter: The head is not made for this patch or width.
        """
        super().__init__(config)
        if config.patch != _PATCH or width < 16 or width % 16:
            raise InvalidParameter(
                f"The published pixel-wise head needs tokens of {_PATCH} pixels and a width that is a multiple of 16, "
                f"but it was given patch={config.patch}, width={width}. Use patch={_PATCH} and "
                f"width={max(1, round(width / 16)) * 16}."
            )
        self.options = {
            "classes": classes,
            "width": width,
            "dropout": dropout,
            "neck_dropout": neck_dropout,
        }
        self.fc = nn.Sequential(nn.Linear(config.groups, 1))
        self.conv0 = _neck(config.dim, 2 * width, neck_dropout, up=8, outputs=width)
        self.conv1 = _neck(config.dim, 2 * width, neck_dropout, up=4, outputs=2 * width)
        self.conv2 = _neck(config.dim, 4 * width, neck_dropout, up=2, outputs=4 * width)
        self.conv3 = _neck(config.dim, 8 * width, neck_dropout)
        self.decoder = PyramidDecoder(width, dropout, neck_dropout)
        self.cls_seg = nn.Sequential(nn.Conv2d(width, classes, 3, padding=1))

    def architecture(self) -> dict[str, Any]:
        """What `from_architecture` needs to build this network again."""
        return {"network": self.network, **self.config.to_dict(), **self.options}

    def token_map(self, image: Tensor, groups: Tensor | None = None) -> Tensor:
        """The encoder's tokens as one map, with the spectral groups mixed; without the final norm.

        Args:
            image: Normalised image [B, C, H, W].
            groups: Ascending indices [G'] of the spectral groups present; all when None.

        Returns:
            [B, D, H / 8, W / 8].
        """
        tokens = self.encode(image, groups)  # [B, G', L, D]
        tokens = tokens.permute(0, 3, 2, 1)  # [B, D, L, G']
        if groups is not None:
            # A missing group contributes 0 to the mix.
            absent = tokens.new_zeros(*tokens.shape[:3], self.config.groups)
            tokens = absent.index_copy(3, groups, tokens)
        mixed = self.fc(tokens)  # [B, D, L, 1]
        return mixed.reshape(*mixed.shape[:2], image.shape[2] // _PATCH, image.shape[3] // _PATCH)

    def decode(self, tokens: Tensor) -> Tensor:
        """Scores for each pixel from a token map.

        Args:
            tokens: [B, D, h, w].

        Returns:
            [B, classes, 8h, 8w].
        """
        pyramid = [neck(tokens) for neck in (self.conv0, self.conv1, self.conv2, self.conv3)]
        return self.cls_seg(self.decoder(pyramid))


def _neck(inputs: int, hidden: int, dropout: float, up: int = 1, outputs: int = 0) -> nn.Sequential:
    """One level of the pyramid: mix channels, then enlarge `up` times."""
    layers: list[nn.Module] = [nn.Conv2d(inputs, hidden, 1), nn.GroupNorm(32, hidden), nn.GELU()]
    if up > 1:
        layers.append(nn.ConvTranspose2d(hidden, outputs, kernel_size=up, stride=up))
    return nn.Sequential(*layers, nn.Dropout(dropout))


def _fuse(inputs: int, outputs: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 1), nn.GroupNorm(16, outputs), nn.GELU(), nn.Dropout(dropout)
    )

"""A faster form of the published pixel-wise head for GPUs: the same values, computed channels-last by matrix products.

With PyTorch's own layers the head takes more time than the encoder of the published size: bilinear upsampling,
transposed convolutions and 1 x 1 convolutions reach only a fraction of the speed of the card's matrix units
(docs/performance.md has the figures).
"""

from __future__ import annotations

import functools
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..model.dense_head import DenseNetwork, PyramidPooling, resizing_matrix


def use_fast_head(network: DenseNetwork) -> None:
    """Replaces the decoder of a network, in evaluation mode and on a GPU, by a `FastHead` with its weights."""
    object.__setattr__(network, "decode", FastHead(network))


class FastHead:
    """Replaces `DenseNetwork.decode`; maps are channels-last inside, [B, rows, columns, channels]."""

    def __init__(self, network: DenseNetwork) -> None:
        """Takes a network's weights, which must not change afterwards.

        Args:
            network: The network, in evaluation mode and on its device.
        """
        self._network, decoder = network, network.decoder
        self._coarse = _Level(network.conv2, decoder.Conv_fuse1)
        self._middle = _Level(network.conv1, decoder.Conv_fuse2)
        self._fine = _Level(network.conv0, decoder.Conv_fuse3)

    def __call__(self, tokens: Tensor) -> Tensor:
        """Maps tokens [B, D, h, w] to scores [B, classes, 8h, 8w]."""
        decoder, image = self._network.decoder, tokens.permute(0, 2, 3, 1).contiguous()
        x1 = _pooled(decoder.PPMHead, _fused(self._network.conv3, image))  # [B, h, w, width]
        x2 = _fused(decoder.Conv_fuse1_, self._coarse(image, _point(decoder.conv_x1, x1)))
        x3 = _fused(decoder.Conv_fuse2_, self._middle(image, x2))  # [B, 4h, 4w, width]
        x4 = _fused(decoder.Conv_fuse3_, self._fine(image, x3))
        mix = cast(nn.Conv2d, decoder.fuse_all[0])
        parts = mix.weight.flatten(1).split(x4.shape[-1], dim=1)  # one for each level
        fused = F.linear(x4, parts[3], mix.bias)
        for level, weight in zip((x1, x2, x3), parts):
            _add_resized(fused, F.linear(level, weight))
        fused = _normed(decoder.fuse_all, fused)  # [B, 8h, 8w, width]
        scores: Tensor = self._network.cls_seg(fused.permute(0, 3, 1, 2))
        return scores


class _Level:
    """One level of the pyramid, from the tokens to its fusion in the decoder.

    The transposed convolution that enlarges the tokens and the decoder's first 1 x 1 convolution are both linear, so
    they are merged into one matrix product.
    """

    def __init__(self, neck: nn.Sequential, fuse: nn.Sequential) -> None:
        """Takes the layers that make the level, and the decoder's layers that fuse it."""
        self._neck, self._fuse = neck, fuse
        enlarge, mix = cast(nn.ConvTranspose2d, neck[3]), cast(nn.Conv2d, fuse[0])
        self._up = enlarge.kernel_size[0]  # each token becomes a square of this side
        first, then = enlarge.weight.detach().float(), mix.weight.detach().float().flatten(1)
        weight = torch.einsum("iokl,wo->klwi", first, then).flatten(0, 2)
        bias = then @ cast(Tensor, enlarge.bias).float() + cast(Tensor, mix.bias).float()
        self._weight = weight.to(enlarge.weight)  # [up * up * width, inputs]
        self._bias = bias.detach().repeat(self._up**2).to(enlarge.weight)

    def __call__(self, image: Tensor, coarser: Tensor) -> Tensor:
        """Adds the level, made from tokens [B, h, w, D], to a coarser one: [B, up * h, up * w, width]."""
        batch, rows, columns, _ = image.shape
        up = self._up
        squares = F.linear(_fused(self._neck, image), self._weight, self._bias)
        squares = squares.reshape(batch, rows, columns, up, up, -1)
        squares = _normed(self._fuse, squares).transpose(2, 3)  # [B, h, up, w, up, width]
        joined = _resized(coarser, up * rows, up * columns)
        # In this order the sum has the memory layout of `joined`, so the squares need no separate copy.
        return (joined.view(squares.shape) + squares).reshape(joined.shape)


def _point(layer: Any, image: Tensor) -> Tensor:
    """A 1 x 1 convolution."""
    return F.linear(image, layer.weight.flatten(1), layer.bias)


def _fused(layers: nn.Sequential, image: Tensor) -> Tensor:
    """Applies 1 x 1 convolution, group norm and GELU, the first three layers."""
    return _normed(layers, _point(layers[0], image))


def _normed(layers: nn.Sequential, image: Tensor) -> Tensor:
    """Applies group norm and GELU, the second and third of the layers, to [B, ..., C]."""
    norm = cast(nn.GroupNorm, layers[1])
    # Reduce each channel first: reducing a group's channels and pixels together is many times slower.
    spread, level = torch.var_mean(image.flatten(1, -2), dim=1, correction=0)  # [B, C]
    spread, level = (
        value.float().reshape(len(image), norm.num_groups, -1) for value in (spread, level)
    )  # [B, groups, C / groups]
    mean = level.mean(2, keepdim=True)  # [B, groups, 1]
    variance = (spread + (level - mean) ** 2).mean(2, keepdim=True)
    factor = norm.weight.reshape(norm.num_groups, -1) * (variance + norm.eps).rsqrt()
    shift = norm.bias.reshape(norm.num_groups, -1) - mean * factor  # [B, groups, C / groups]
    apart = (-1, *[1] * (image.dim() - 2), image.shape[-1])
    factor, shift = (value.to(image).reshape(apart) for value in (factor, shift))
    return F.gelu(torch.addcmul(shift, image, factor))


def _add_resized(image: Tensor, coarser: Tensor) -> None:
    """Adds a coarser image, enlarged to the same size, to an image [B, H, W, C]: bilinear, corners aligned."""
    batch, rows, columns, channels = image.shape
    across, tall = _enlarged_down(coarser, rows, columns)
    image.view(batch * rows, columns, channels).baddbmm_(across, tall)


def _resized(image: Tensor, rows: int, columns: int) -> Tensor:
    """`dense_head.resize` with channels last."""
    across, tall = _enlarged_down(image, rows, columns)
    return torch.bmm(across, tall).view(len(image), rows, columns, -1)


def _enlarged_down(image: Tensor, rows: int, columns: int) -> tuple[Tensor, Tensor]:
    """Enlarges a map [B, h, w, C] vertically: weights across [B * rows, columns, w], and the map [B * rows, w, C]."""
    batch, height, width, channels = image.shape
    down = _resizing(height, rows, image.dtype, image.device)  # [rows, height]
    across = _resizing(width, columns, image.dtype, image.device)  # [columns, width]
    tall = torch.bmm(down.expand(batch, -1, -1), image.reshape(batch, height, -1))
    return across.expand(batch * rows, -1, -1), tall.view(batch * rows, width, channels)


@functools.lru_cache(maxsize=64)
def _resizing(old: int, new: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """`resizing_matrix` of a type on a device."""
    return resizing_matrix(old, new).to(device, dtype)


def _pooled(pooling: PyramidPooling, image: Tensor) -> Tensor:
    """Pyramid pooling at four scales, by the network's own layers, as the maps are small."""
    pooled: Tensor = pooling(image.permute(0, 3, 1, 2))
    return pooled.permute(0, 2, 3, 1)

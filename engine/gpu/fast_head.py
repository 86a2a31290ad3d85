"""The published pixel-wise head on a GPU: the same values, with channels last and written as matrix products.

PyTorch's own layers take more time for the head than for the encoder of the published size: bilinear enlargement,
transposed convolutions and those of one pixel each reach a fraction of what the card's matrix units do
(docs/performance.md has the figures).
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..model.dense_head import DenseNetwork, PyramidPooling, resizing_matrix


def use_fast_head(network: DenseNetwork) -> None:
    """Has a network, in use and on a GPU, decode with its own weights but by `FastHead`."""
    object.__setattr__(network, "decode", FastHead(network))


class FastHead:
    """`DenseNetwork.decode`; maps are [B, rows, columns, channels] within."""

    def __init__(self, network: DenseNetwork) -> None:
        """Takes a network's weights as they are; they must not change any more.

        Args:
            network: In evaluation mode, where it is to compute.
        """
        self._network = network
        self._necks = [
            _Neck(neck) for neck in (network.conv0, network.conv1, network.conv2, network.conv3)
        ]

    def __call__(self, tokens: Tensor) -> Tensor:
        """Maps [B, D, h, w] to scores [B, classes, 8h, 8w]."""
        decoder, image = self._network.decoder, tokens.permute(0, 2, 3, 1).contiguous()
        fine, middle, coarse, coarsest = (neck(image) for neck in self._necks)
        x1 = _pooled(decoder.PPMHead, coarsest)  # [B, h, w, width]
        x2 = _joined(decoder.Conv_fuse1, coarse, _point(decoder.conv_x1, x1))
        x2 = _fused(decoder.Conv_fuse1_, x2)  # [B, 2h, 2w, width]
        x3 = _fused(decoder.Conv_fuse2_, _joined(decoder.Conv_fuse2, middle, x2))
        x4 = _fused(decoder.Conv_fuse3_, _joined(decoder.Conv_fuse3, fine, x3))
        mix = cast(nn.Conv2d, decoder.fuse_all[0])
        parts = mix.weight.flatten(1).split(x4.shape[-1], dim=1)  # one for each level
        fused = F.linear(x4, parts[3], mix.bias)
        for level, weight in zip((x1, x2, x3), parts):
            fused = _add_resized(fused, F.linear(level, weight))
        fused = _normed(decoder.fuse_all, fused)  # [B, 8h, 8w, width]
        scores: Tensor = self._network.cls_seg(fused.permute(0, 3, 1, 2))
        return scores


class _Neck:
    """One level of the pyramid."""

    def __init__(self, layers: nn.Sequential) -> None:
        self._layers, self._up = layers, 1
        if isinstance(layers[3], nn.ConvTranspose2d):  # each pixel becomes a square of its own
            weight = layers[3].weight.detach()  # [inputs, outputs, up, up]
            self._up = weight.shape[2]
            self._weight = weight.permute(2, 3, 1, 0).flatten(0, 2)  # [up * up * outputs, inputs]
            self._bias = cast(Tensor, layers[3].bias).detach().repeat(self._up**2)

    def __call__(self, image: Tensor) -> Tensor:
        """Maps [B, h, w, inputs] to [B, up * h, up * w, outputs]."""
        mixed = _fused(self._layers, image)
        if self._up == 1:
            return mixed
        batch, rows, columns, _ = mixed.shape
        squares = F.linear(mixed, self._weight, self._bias)
        squares = squares.reshape(batch, rows, columns, self._up, self._up, -1)
        return squares.transpose(2, 3).reshape(batch, self._up * rows, self._up * columns, -1)


def _point(layer: Any, image: Tensor) -> Tensor:
    """A convolution of one pixel."""
    return F.linear(image, layer.weight.flatten(1), layer.bias)


def _fused(layers: nn.Sequential, image: Tensor) -> Tensor:
    """A convolution of one pixel, group norm and GELU, the first of some layers."""
    return _normed(layers, _point(layers[0], image))


def _normed(layers: nn.Sequential, image: Tensor) -> Tensor:
    """Group norm and GELU, the second and third of some layers."""
    norm = cast(nn.GroupNorm, layers[1])
    # By channel first: along a group's channels and pixels at once, the reduction is many times slower.
    spread, level = torch.var_mean(image.flatten(1, 2), dim=1, correction=0)  # [B, C]
    spread, level = (
        value.float().reshape(len(image), norm.num_groups, -1) for value in (spread, level)
    )  # [B, groups, C / groups]
    mean = level.mean(2, keepdim=True)  # [B, groups, 1]
    variance = (spread + (level - mean) ** 2).mean(2, keepdim=True)
    factor = norm.weight.reshape(norm.num_groups, -1) * (variance + norm.eps).rsqrt()
    shift = norm.bias.reshape(norm.num_groups, -1) - mean * factor  # [B, groups, C / groups]
    factor, shift = (value.to(image).flatten(1)[:, None, None] for value in (factor, shift))
    return F.gelu(torch.addcmul(shift, image, factor))


def _joined(layers: nn.Sequential, image: Tensor, coarser: Tensor) -> Tensor:
    """A level, fused, and the coarser one enlarged to its size."""
    return _add_resized(_fused(layers, image), coarser)


def _add_resized(image: Tensor, coarser: Tensor) -> Tensor:
    """An image [B, H, W, C] and a coarser one enlarged to its size: bilinear, corners aligned."""
    return image + _resized(coarser, *image.shape[1:3])


def _resized(image: Tensor, rows: int, columns: int) -> Tensor:
    """`dense_head.resize` with channels last."""
    batch, height, width, channels = image.shape
    down = resizing_matrix(height, rows).to(image)  # [rows, height]
    across = resizing_matrix(width, columns).to(image)  # [columns, width]
    tall = torch.bmm(down.expand(batch, -1, -1), image.reshape(batch, height, -1))
    wide = torch.bmm(
        across.expand(batch * rows, -1, -1), tall.reshape(batch * rows, width, channels)
    )
    return wide.reshape(batch, rows, columns, channels)


def _pooled(pooling: PyramidPooling, image: Tensor) -> Tensor:
    """The surroundings of every place at four sizes; small, so by the network's own layers."""
    pooled: Tensor = pooling(image.permute(0, 3, 1, 2))
    return pooled.permute(0, 2, 3, 1)

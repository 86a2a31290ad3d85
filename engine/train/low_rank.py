"""Low-rank adapters (LoRA, Hu et al. 2022): a few trainable weights beside frozen ones, merged at the end."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

RANK = 8
SCALE = 2.0  # factor on the update; alpha / rank in the paper


class LowRank(nn.Module):
    """Adds the product of two low-rank matrices to a weight; it is zero at first."""

    def __init__(self, rows: int, columns: int, rank: int = RANK) -> None:
        """Makes an adapter for a weight [rows, columns]."""
        super().__init__()
        self.down = nn.Parameter(torch.empty(rank, columns))
        self.up = nn.Parameter(torch.zeros(rows, rank))
        nn.init.kaiming_uniform_(self.down, a=math.sqrt(5))

    def forward(self, weight: Tensor) -> Tensor:
        """Returns the weight with its update."""
        return weight + SCALE * self.up @ self.down


def add_adapters(encoder: nn.Module, rank: int = RANK) -> int:
    """Freezes an encoder, and adds adapters to the queries and values of its attention.

    Args:
        encoder: An encoder whose blocks have `attn.q` and `attn.v`.
        rank: Rank of each update.

    Returns:
        Number of trainable weights.
    """
    encoder.requires_grad_(False)
    count = 0
    for layer in _adapted(encoder):
        adapter = LowRank(layer.out_features, layer.in_features, rank)
        parametrize.register_parametrization(layer, "weight", adapter)
        count += sum(value.numel() for value in adapter.parameters())
    return count


def merge_adapters(encoder: nn.Module) -> None:
    """Adds the adapters' updates to the weights, removes the adapters, and unfreezes the encoder."""
    for layer in _adapted(encoder):
        if parametrize.is_parametrized(layer, "weight"):
            parametrize.remove_parametrizations(layer, "weight", leave_parametrized=True)
    encoder.requires_grad_(True)


def _adapted(encoder: nn.Module) -> list[nn.Linear]:
    return [
        layer
        for name, layer in encoder.named_modules()
        if isinstance(layer, nn.Linear) and name.rsplit(".", 1)[-1] in ("q", "v")
    ]

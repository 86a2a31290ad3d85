"""AdamW with layer-wise learning rates, and without weight decay for biases, norms and embeddings."""

from __future__ import annotations

import re
from typing import Any

import torch
from torch import nn

_BLOCK = re.compile(r"(?:^|\.)blocks\.(\d+)\.")
_LOWEST = re.compile(r"(?:^|\.)(?:patch_embed\.|pos_embed|cls_token)")
_EMBEDDING = re.compile(r"(?:^|\.)(?:decoder_)?(?:pos_embed\w*|mask_token|cls_token)$")


def layer_index(name: str, depth: int) -> int:
    """The layer of a parameter: 0 for the token embedding, i + 1 for block i, depth + 1 above.

    Both position embeddings belong to layer 0. (The published fine-tuning put them into the topmost
    layer, by an exact comparison with a name that they do not have.)
    """
    block = _BLOCK.search(name)
    if block:
        return int(block.group(1)) + 1
    return 0 if _LOWEST.search(name) else depth + 1


def is_decayed(name: str, parameter: torch.Tensor) -> bool:
    """Whether weight decay applies to a parameter: to matrices and kernels, not to biases, norms, embeddings."""
    return parameter.ndim > 1 and not _EMBEDDING.search(name)


def parameter_groups(
    model: nn.Module, weight_decay: float = 0.05, layer_decay: float = 1.0, below: float = 1.0
) -> list[dict[str, Any]]:
    """Groups trainable parameters by layer and weight decay.

    Args:
        model: A model whose transformer blocks are named `blocks.N`, with any prefix.
        weight_decay: Weight decay of matrices and kernels.
        layer_decay: Factor on the learning rate from one layer to the one below; 1 for none.
        below: Additional factor on the learning rate of all layers below the topmost.

    Returns:
        Groups for a torch optimiser, with `lr_scale` (layer_decay to the power of the layers above, times
        `below`).
    """
    named = [(name, value) for name, value in model.named_parameters() if value.requires_grad]
    blocks = [int(found.group(1)) for name, _ in named for found in [_BLOCK.search(name)] if found]
    depth = max(blocks, default=-1) + 1
    groups: dict[tuple[int, bool], dict[str, Any]] = {}
    for name, value in named:
        key = (layer_index(name, depth), is_decayed(name, value))
        group = groups.setdefault(
            key,
            {
                "params": [],
                "weight_decay": weight_decay if key[1] else 0.0,
                "lr_scale": layer_decay ** (depth + 1 - key[0])
                * (below if key[0] <= depth else 1.0),
            },
        )
        group["params"].append(value)
    return [groups[key] for key in sorted(groups)]


def build_optimiser(
    model: nn.Module,
    learning_rate: float,
    *,
    weight_decay: float = 0.05,
    layer_decay: float = 1.0,
    below: float = 1.0,
    betas: tuple[float, float] = (0.9, 0.95),
) -> torch.optim.AdamW:
    """AdamW over `parameter_groups`."""
    groups = parameter_groups(model, weight_decay, layer_decay, below)
    for group in groups:
        group["lr"] = learning_rate * group["lr_scale"]
    return torch.optim.AdamW(groups, lr=learning_rate, betas=betas)


def set_learning_rate(optimiser: torch.optim.Optimizer, learning_rate: float) -> None:
    """Sets the learning rate of every group, scaled by its `lr_scale`."""
    for group in optimiser.param_groups:
        group["lr"] = learning_rate * group.get("lr_scale", 1.0)

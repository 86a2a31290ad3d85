"""Checkpoints in the official format with known contents, for the parity and import tests.

The published weights are too large for a test machine. Their keys and shapes are filled instead with numbers that
follow from the key and a seed; tests/data/parity holds what the official implementation computed from them.
"""

from __future__ import annotations

import argparse
import functools
import json
import math
import zlib
from pathlib import Path

import numpy as np
import torch

SEED = 20260
DATA = Path(__file__).parents[1] / "data" / "parity"
SHAPES = json.loads((DATA / "state_dict_shapes.json").read_text())


@functools.cache  # the variants share their encoder
def weight(key: str, shape: tuple[int, ...]) -> torch.Tensor:
    """The tensor of one key: normal numbers, scaled by the kind of parameter."""
    generator = np.random.RandomState(zlib.crc32(key.encode()) ^ SEED)
    values = generator.standard_normal(math.prod(shape)).astype("float32").reshape(shape)
    if key.endswith("bias"):
        values *= np.float32(0.05)
    elif "norm" in key or len(shape) == 1:
        values = 1 + np.float32(0.1) * values
    elif "pos_embed" in key or "mask_token" in key:
        values *= np.float32(0.3)
    else:
        values = (values * (1.0 / np.sqrt(math.prod(shape[1:])))).astype("float32")
    return torch.from_numpy(values)


def state_dict(variant: str) -> dict[str, torch.Tensor]:
    """The weights of a variant of state_dict_shapes.json."""
    return {key: weight(key, tuple(shape)) for key, shape in SHAPES[variant].items()}


def container(variant: str) -> dict:
    """What torch.load of the published file of a variant gives."""
    weights = state_dict(variant)
    if variant == "change_128":
        return {f"module.{key}": value for key, value in weights.items()}
    if variant.startswith("pretrain"):
        return {
            "model": weights,
            "optimizer": {"state": {}, "param_groups": []},
            "epoch": 199,
            "scaler": {},
            "args": argparse.Namespace(model="mae_vit_base_patch8", mask_ratio=0.9),
        }
    return {"model": weights}


def random_array(seed: int, *shape: int) -> torch.Tensor:
    """float32 in [0, 1): the images and the mask noise of the reference."""
    return torch.from_numpy(np.random.RandomState(seed).rand(*shape).astype("float32"))

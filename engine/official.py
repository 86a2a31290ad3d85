"""Reads the published SpectralGPT checkpoints, PyTorch files, without executing code in them."""

from __future__ import annotations

import argparse
import math
import re
import zipfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.serialization import get_unsafe_globals_in_checkpoint, safe_globals

from .errors import CheckpointMismatch
from .model.change import ChangeNetwork
from .model.classifier import SceneClassifier
from .model.config import PRESETS, SpectralGPTConfig
from .model.masked_autoencoder import MaskedAutoencoder
from .model.network import Network
from .model.segmentation import SegmentationNetwork

_SIZES = {name: PRESETS[name] for name in ("base", "large", "huge")}
_NAMED = 4  # most wrong keys that a message names, in addition to their number


def load_official(path: str | Path, kind: str = "auto") -> tuple[Network, str]:
    """Builds the network of a published checkpoint; all weights must be present and fit.

    The weights are memory-mapped from the file, so that memory holds them at most once.

    Args:
        path: SpectralGPT.pth, SpectralGPT+.pth, or a published fine-tuned file.
        kind: The task of the file, or "auto" to infer it from its keys.

    Returns:
        The network in evaluation mode, and its task.

    Raises:
        CheckpointMismatch: The file is not a PyTorch file, contains code, or has other weights.
    """
    path = Path(path)
    weights = _weights(path, _read(path))
    config = _configuration(path, weights)
    if kind == "auto":
        kind = _kind(path, weights)
    with torch.device("meta"):
        network = _network(kind, config, weights)
    _compare(path, kind, weights, network.state_dict())
    network.load_state_dict({key: value.float() for key, value in weights.items()}, assign=True)
    return network.eval(), kind


def _read(path: Path) -> Any:
    """Unpickles tensors, plain values, and the training script's options only."""
    if not path.is_file():
        raise CheckpointMismatch(f"There is no file '{path}'. Specify the path of a checkpoint.")
    try:
        with safe_globals([argparse.Namespace]):
            # Only the newer of PyTorch's two formats, a zip archive, can be memory-mapped.
            return torch.load(
                path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path)
            )
    except MemoryError:
        raise
    except Exception as error:  # a damaged or malicious file may raise anything
        foreign = _foreign_globals(path) or re.findall(
            r"GLOBAL (\S+) (?:was not|whose)", str(error)
        )
        if foreign:
            raise CheckpointMismatch(
                f"'{path.name}' was not loaded: in addition to weights, it contains {len(foreign)} type(s) of Python "
                f"object that could execute code ({', '.join(foreign[:_NAMED])}). Only tensors, plain values and "
                "argparse.Namespace are accepted. Use the published file, or save only the weights with "
                "torch.save(model.state_dict(), path).",
                details=type(error).__name__,
            ) from error
        raise CheckpointMismatch(
            f"'{path.name}' cannot be read as a PyTorch checkpoint: it is incomplete, damaged or of another type. "
            "Download it again and compare its size.",
            details=_reason(error),
        ) from error


def _foreign_globals(path: Path) -> list[str]:
    """Names that the file would import, found by reading its opcodes without importing anything."""
    try:
        with safe_globals([argparse.Namespace]):
            return sorted(get_unsafe_globals_in_checkpoint(path))
    except Exception:  # the file is not a pickle, so there are no names
        return []


def _reason(error: Exception) -> str:
    """The error's text, without torch's advice to load without the check."""
    lines = [
        line for line in str(error).splitlines() if line.strip() and "weights_only" not in line
    ]
    return ": ".join([type(error).__name__, *lines])


def _weights(path: Path, content: Any) -> dict[str, Tensor]:
    """The state dict in a checkpoint, under "model" or at the top level, without "module." prefixes."""
    if isinstance(content, dict) and isinstance(content.get("model"), dict):
        content = content["model"]
    if not isinstance(content, dict) or not content:
        raise CheckpointMismatch(
            f"'{path.name}' contains {type(content).__name__}, but a dictionary of weights is needed, either directly "
            "or under 'model'. Use one of the published checkpoints."
        )
    foreign = [str(k) for k, v in content.items() if not isinstance(k, str) or not _is_weight(v)]
    if foreign:
        raise CheckpointMismatch(
            f"'{path.name}' contains {len(foreign)} entries that are not weights ({', '.join(foreign[:_NAMED])}). "
            "Only dense floating-point tensors are accepted. Use one of the published checkpoints."
        )
    prefix = "module."
    if all(key.startswith(prefix) for key in content):
        return {key[len(prefix) :]: value for key, value in content.items()}
    return dict(content)


def _is_weight(value: Any) -> bool:
    return isinstance(value, Tensor) and value.layout == torch.strided and value.is_floating_point()


def _configuration(path: Path, weights: dict[str, Tensor]) -> SpectralGPTConfig:
    """Infers the network's sizes from the shapes of three tensors."""
    wanted = {"patch_embed.proj.weight": 5, "pos_embed_spatial": 3, "pos_embed_temporal": 3}
    wrong = [
        f"{key}: {_shape(weights[key])}" if key in weights else f"{key}: missing"
        for key, axes in wanted.items()
        if key not in weights or weights[key].ndim != axes
    ]
    if wrong:
        raise CheckpointMismatch(
            f"'{path.name}' is not a SpectralGPT checkpoint: the weights {', '.join(wanted)} are needed, but "
            f"{'; '.join(wrong)} was found, among {len(weights)} weights ({', '.join(list(weights)[:_NAMED])}). Use "
            "one of the published checkpoints."
        )
    dim, _, spectral_patch, patch, _ = weights["patch_embed.proj.weight"].shape
    places, groups = weights["pos_embed_spatial"].shape[1], weights["pos_embed_temporal"].shape[1]
    side = math.isqrt(places)
    sizes = {preset.dim: preset for preset in _SIZES.values()}
    if dim not in sizes or side * side != places or min(groups, side, spectral_patch, patch) < 1:
        widths = ", ".join(f"{preset.dim} ({name})" for name, preset in _SIZES.items())
        raise CheckpointMismatch(
            f"'{path.name}' has tokens of width {dim} at {places} positions, but a width of {widths} and a square "
            "number of positions are needed. Use one of the published checkpoints."
        )
    return SpectralGPTConfig(
        bands=groups * spectral_patch,
        image_size=side * patch,
        patch=patch,
        spectral_patch=spectral_patch,
        dim=dim,
        depth=sizes[dim].depth,
        heads=sizes[dim].heads,
    )


def _kind(path: Path, weights: dict[str, Tensor]) -> str:
    """Infers the task from the keys; the two dense networks differ only in their number of classes."""
    if any(key.startswith(("decoder_", "mask_token")) for key in weights):
        return "backbone"
    if any(key.startswith(("cls_seg.", "conv0.", "decoder.")) for key in weights):
        return "change-detection" if _classes(weights, "cls_seg.0.bias") == 2 else "segmentation"
    if any(key.startswith("head.") for key in weights):
        return "scene-classification"
    raise CheckpointMismatch(
        f"'{path.name}' contains the SpectralGPT encoder, but neither its decoder (decoder_...) nor a head "
        f"(cls_seg..., head...) among {len(weights)} weights. Use one of the published checkpoints."
    )


def _network(kind: str, config: SpectralGPTConfig, weights: dict[str, Tensor]) -> Network:
    if kind == "backbone":
        return MaskedAutoencoder(config)
    if kind == "change-detection":
        return ChangeNetwork(config)
    if kind == "segmentation":
        return SegmentationNetwork(config, _classes(weights, "cls_seg.0.bias"), neck_dropout=0.5)
    return SceneClassifier(config, _classes(weights, "head.bias"), pooling="mean-after-first")


def _classes(weights: dict[str, Tensor], bias: str) -> int:
    return max(1, weights[bias].numel()) if bias in weights else 1


def _compare(
    path: Path, kind: str, weights: dict[str, Tensor], expected: dict[str, Tensor]
) -> None:
    """Refuses weights that do not exactly fit the network, and names the differences."""
    missing = [key for key in expected if key not in weights]
    extra = [key for key in weights if key not in expected]
    misshaped = [
        f"{key} {_shape(weights[key])} instead of {_shape(expected[key])}"
        for key in expected
        if key in weights and weights[key].shape != expected[key].shape
    ]
    found = [
        f"{len(keys)} {what} ({', '.join(keys[:_NAMED])}{', ...' if len(keys) > _NAMED else ''})"
        for keys, what in ((missing, "missing"), (extra, "not expected"), (misshaped, "misshaped"))
        if keys
    ]
    if found:
        raise CheckpointMismatch(
            f"'{path.name}' does not match SpectralGPT's {kind} network of {len(expected)} weights: "
            f"{'; '.join(found)}. Use the published file as it was downloaded, or specify its type with 'kind'.",
            details="\n".join([*missing, *extra, *misshaped]),
        )


def _shape(tensor: Tensor) -> str:
    return "x".join(str(side) for side in tensor.shape) or "scalar"

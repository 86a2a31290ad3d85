"""Our format for trainable models: a network's weights as safetensors, with its card in the header, sealed."""

from __future__ import annotations

import dataclasses
import json
import struct
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from .cards import Card
from .endings import SAFETENSORS, ending
from .errors import ModelInvalid
from .infer.staging import StagedOutputs, write_error
from .model.network import Network
from .model.registry import build_network
from .model_file import CARD_KEY, SEAL_KEY, UNSEALED, read_card, seal, verify


def save(path: str | Path, network: Network, card: Card, *, half: bool = False) -> str:
    """Writes a network and its card; the file appears complete or not at all.

    Args:
        path: File to write, ending in .safetensors.
        network: A network of a type that `model.registry` knows.
        card: Its card; the network's configuration is added to its `architecture`.
        half: Whether to store weights as float16; `load` converts them back to float32.

    Returns:
        The file's seal (SHA-256).

    Raises:
        InvalidParameter: The path does not end in .safetensors.
        OutputNotWritable: The file cannot be written.
        DiskFull: The disk is full.
    """
    architecture = {**card.architecture, **network.architecture()}
    card = dataclasses.replace(card, architecture=architecture)
    metadata = {CARD_KEY: json.dumps(card.to_stac()), SEAL_KEY: UNSEALED}
    tensors = {
        key: (value.half() if half and value.is_floating_point() else value)
        .detach()
        .cpu()
        .contiguous()
        for key, value in network.state_dict().items()
    }
    with StagedOutputs() as outputs:
        staged = outputs.stage(str(path), (SAFETENSORS,))
        try:
            staged.touch()
            mode = staged.stat().st_mode
            safetensors.torch.save_file(tensors, staged, metadata)
            _order_metadata(staged)
            staged.chmod(mode)  # usual permissions, as safetensors restricts its files to the owner
            return seal(staged)
        except (OSError, SafetensorError) as error:
            raise write_error(staged, error) from error


def _order_metadata(path: Path) -> None:
    """Sorts the header's metadata, as safetensors writes it in an order that differs between runs."""
    with path.open("r+b") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        ordered = {"__metadata__": dict(sorted(header.pop("__metadata__").items())), **header}
        text = json.dumps(ordered, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
        file.seek(8)
        file.write(text.ljust(length))  # never longer than before, as only the order changes


def load(path: str | Path) -> tuple[Network, Card]:
    """Builds the network from a file that `save` wrote; all weights must be present and fit.

    Args:
        path: A .safetensors model of ours.

    Returns:
        The network in evaluation mode on the CPU, and its card.

    Raises:
        ModelInvalid: It is not such a file, was changed since it was made, or has an unknown network.
    """
    path = Path(path)
    if ending(path) != SAFETENSORS:
        raise ModelInvalid(
            f"'{path}' has no weights to train from: a .safetensors model is needed. An .onnx model can only predict. "
            "Choose the model it was exported from."
        )
    card = read_card(path)
    verify(path)
    network = build_network(card.architecture)
    own = network.state_dict()
    try:
        with safe_open(path, framework="pt") as stored:
            _copy(path, own, stored)
    except (OSError, SafetensorError) as error:
        raise ModelInvalid(
            f"The weights in '{path}' cannot be read. Copy the file again.", details=repr(error)
        ) from error
    return network.eval(), card


def _copy(path: Path, own: dict[str, Tensor], stored: safe_open) -> None:
    """Copies weights one by one, so that memory never holds a second copy of all of them."""
    names = set(stored.keys())
    wrong = sorted(names ^ own.keys()) + [
        key for key in names & own.keys() if stored.get_slice(key).get_shape() != [*own[key].shape]
    ]
    if wrong:
        raise ModelInvalid(
            f"The weights in '{path}' do not match the network described in its card: {len(wrong)} weights are "
            f"missing, unexpected or of a different shape ({', '.join(wrong[:3])}). Train or import the model again."
        )
    with torch.no_grad():
        for key, tensor in own.items():
            tensor.copy_(stored.get_tensor(key))

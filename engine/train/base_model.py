"""Opens the base model that fine-tuning starts from: its encoder and its card."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor, nn

from ..cards import Card
from ..checkpoint import load
from ..endings import ONNX, SAFETENSORS, ending
from ..errors import ModelInvalid
from ..model.config import SpectralGPTConfig
from ..model.encoder import SpectralBackbone
from ..model_file import find_model, installed_models, verify


@dataclass(frozen=True)
class Base:
    """A base model.

    Attributes:
        path: Its file.
        sha256: Its seal.
        card: Its card with bands, unit, normalisation and window.
        config: Sizes of the encoder, with position embeddings for the card's window.
        weights: Weights of the encoder, by their published names.
        network: The whole network, as a suitable head may be trained further.
    """

    path: Path
    sha256: str
    card: Card
    config: SpectralGPTConfig
    weights: dict[str, Tensor]
    network: nn.Module


def open_base(name_or_path: str) -> Base:
    """Opens a base model.

    Args:
        name_or_path: A backbone, an imported checkpoint or a fine-tuned model; for an .onnx file
            the .safetensors file beside it is used.

    Raises:
        ModelInvalid: The model does not exist, or has no weights to train from.
    """
    path = _with_weights(name_or_path)
    network, card = load(path)
    holder = network if isinstance(network, SpectralBackbone) else getattr(network, "encoder", None)
    if not isinstance(holder, SpectralBackbone):
        raise ModelInvalid(
            f"The model '{path}' has no SpectralGPT encoder to start from. Choose a backbone, or a fine-tuned model."
        )
    config = dataclasses.replace(holder.config, image_size=card.window)
    return Base(path, verify(path), card, config, dict(holder.state_dict()), network)


def _with_weights(name_or_path: str) -> Path:
    path = Path(name_or_path)
    if not path.is_file():
        trainable = [
            item
            for item in installed_models()
            if ending(item) == SAFETENSORS and name_or_path in (item.stem, item.name)
        ]
        path = trainable[0] if trainable else find_model(name_or_path)
    if ending(path) == ONNX:
        beside = path.with_suffix(SAFETENSORS)
        if not beside.is_file():
            raise ModelInvalid(
                f"The model '{path}' can only make predictions, and there is no {beside.name} next to it to train "
                "from. Choose a backbone, or a model that you fine-tuned."
            )
        path = beside
    return path

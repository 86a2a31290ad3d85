"""The networks that a model file may name; nothing else is ever built from a file."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ..errors import ModelInvalid
from .network import Network

# Name in a card's architecture -> module of this package, and its subclass of Network.
NETWORKS: dict[str, tuple[str, str]] = {
    "masked-autoencoder": ("masked_autoencoder", "MaskedAutoencoder"),
    "classifier": ("classifier", "SceneClassifier"),
    "segmentation": ("segmentation", "SegmentationNetwork"),
    "change": ("change", "ChangeNetwork"),
    "pixel-classifier": ("pixel_classifier", "PixelClassifier"),
    "pixel-segmentation": ("pixel_segmentation", "PixelSegmentation"),
    "pixel-change": ("pixel_change", "PixelChange"),
    "tuned-segmentation": ("tuned_segmentation", "TunedSegmentation"),
    "tuned-change": ("tuned_change", "TunedChange"),
}


def build_network(architecture: dict[str, Any]) -> Network:
    """Makes the network that a card's architecture describes, with fresh weights.

    Args:
        architecture: {"network": a name of `NETWORKS`, and its configuration}.

    Raises:
        ModelInvalid: The name is unknown, or the configuration is not one of this network.
    """
    name = str(architecture.get("network", ""))
    if name not in NETWORKS:
        raise ModelInvalid(
            f"The model card specifies the network '{name}', but this version supports only {', '.join(NETWORKS)}. "
            "Update the plugin, or import the model again."
        )
    module, cls = NETWORKS[name]
    network: type[Network] = getattr(import_module(f".{module}", __package__), cls)
    try:
        return network.from_architecture(architecture)
    except (KeyError, TypeError, ValueError) as error:
        raise ModelInvalid(
            f"The model card describes its network '{name}' in a way that this version does not support. Update the "
            "plugin, or import the model again.",
            details=repr(error),
        ) from error

"""The interface of networks that can be stored in a model file."""

from __future__ import annotations

from typing import Any, ClassVar

from torch import nn


class Network(nn.Module):
    """A network that can describe its architecture and be rebuilt from the description.

    Attributes:
        network: Its name in `registry.NETWORKS` and in a card's architecture.
    """

    network: ClassVar[str] = ""

    def architecture(self) -> dict[str, Any]:
        """Plain values from which `from_architecture` builds this network again."""
        raise NotImplementedError

    @classmethod
    def from_architecture(cls, architecture: dict[str, Any]) -> Network:
        """Builds the network a card describes, with fresh weights."""
        raise NotImplementedError

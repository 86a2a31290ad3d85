"""Scene classifier as published: scores for a whole window."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from ..errors import InvalidParameter
from .config import SpectralGPTConfig
from .encoder import SpectralBackbone

POOLINGS = ("mean", "mean-after-first")


class SceneClassifier(SpectralBackbone):
    """Encoder, mean over all tokens, norm, one linear layer."""

    network = "classifier"

    def __init__(
        self,
        config: SpectralGPTConfig,
        classes: int,
        pooling: str = "mean",
        dropout: float = 0.0,
    ) -> None:
        """Makes the network with fresh weights.

        Args:
            config: Sizes of the encoder.
            classes: Number of classes.
            pooling: "mean" over all tokens, or "mean-after-first": the published code skips the first
                token (as if it were a class token), and weights trained with it expect that.
            dropout: Dropout rate before the last layer.

        Raises:
            InvalidParameter: The pooling is unknown.
        """
        super().__init__(config)
        if pooling not in POOLINGS:
            raise InvalidParameter(f"pooling='{pooling}' is unknown: use {' or '.join(POOLINGS)}.")
        self.pooling = pooling
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(config.dim, classes)
        nn.init.trunc_normal_(self.head.weight, std=2e-5)
        nn.init.zeros_(self.head.bias)

    def architecture(self) -> dict[str, Any]:
        """What `from_architecture` needs to build this network again."""
        return {
            "network": self.network,
            **self.config.to_dict(),
            "classes": self.head.out_features,
            "pooling": self.pooling,
            "dropout": self.dropout.p,
        }

    @classmethod
    def from_architecture(cls, architecture: dict[str, Any]) -> SceneClassifier:
        """Builds the network a card describes."""
        return cls(
            SpectralGPTConfig.from_dict(architecture),
            architecture["classes"],
            architecture["pooling"],
            architecture["dropout"],
        )

    def features(self, image: Tensor, groups: Tensor | None = None) -> Tensor:
        """One vector for the whole window, before the last layer.

        Args:
            image: Normalised image [B, C, H, W].
            groups: Ascending indices [G'] of the spectral groups present; all when None.

        Returns:
            [B, D].
        """
        tokens = self.encode(image, groups).flatten(1, 2)  # [B, N, D]
        first = 1 if self.pooling == "mean-after-first" else 0
        return self.norm(tokens[:, first:].mean(dim=1))

    def forward(self, image: Tensor, groups: Tensor | None = None) -> Tensor:
        """Scores each class.

        Args:
            image: Normalised image [B, C, H, W].
            groups: Ascending indices [G'] of the spectral groups present; all when None.

        Returns:
            Logits [B, classes].
        """
        return self.head(self.dropout(self.features(image, groups)))

"""The configuration of a SpectralGPT network: every size, and the named presets."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from ..errors import InvalidParameter


@dataclass(frozen=True)
class SpectralGPTConfig:
    """Every size of the encoder and of the decoder that pretrains it.

    Attributes:
        bands: Spectral bands of the image, a multiple of `spectral_patch`.
        image_size: Side of the square for which position embeddings are learned, pixels.
        patch: Side of a token, pixels.
        spectral_patch: Bands in a token.
        dim: Width of the encoder.
        depth: Blocks of the encoder.
        heads: Attention heads of the encoder.
        mlp_ratio: Width of a block's hidden layer, relative to the block's width.
        decoder_dim: Width of the pretraining decoder.
        decoder_depth: Blocks of the pretraining decoder.
        decoder_heads: Attention heads of the pretraining decoder.
        drop_path: Stochastic-depth rate of the last block; it rises linearly from 0 in the first.
        norm_eps: Epsilon of every layer norm.
    """

    bands: int = 12
    image_size: int = 128
    patch: int = 8
    spectral_patch: int = 3
    dim: int = 768
    depth: int = 12
    heads: int = 12
    mlp_ratio: float = 4
    decoder_dim: int = 512
    decoder_depth: int = 4
    decoder_heads: int = 16
    drop_path: float = 0.0
    norm_eps: float = 1e-6

    def __post_init__(self) -> None:
        """Checks that the sizes fit each other.

        Raises:
            InvalidParameter: One size is not a multiple of another.
        """
        for whole, part in (
            ("bands", "spectral_patch"),
            ("image_size", "patch"),
            ("dim", "heads"),
            ("decoder_dim", "decoder_heads"),
        ):
            given, unit = getattr(self, whole), getattr(self, part)
            if unit < 1 or given < 1 or given % unit:
                nearest = max(1, round(given / max(unit, 1))) * max(unit, 1)
                raise InvalidParameter(
                    f"{whole}={given} does not match {part}={unit}: a positive multiple is needed. Use "
                    f"{whole}={nearest}, or another {part}."
                )

    @property
    def groups(self) -> int:
        """Number of spectral groups, which is the number of tokens at one place."""
        return self.bands // self.spectral_patch

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of tokens at the native image size."""
        side = self.image_size // self.patch
        return side, side

    @property
    def token_values(self) -> int:
        """Values (band x row x column) inside one token."""
        return self.spectral_patch * self.patch * self.patch

    def to_dict(self) -> dict[str, Any]:
        """The configuration as plain values, for a card."""
        return dataclasses.asdict(self)

    @staticmethod
    def from_dict(values: dict[str, Any]) -> SpectralGPTConfig:
        """Reads what `to_dict` wrote; ignores further keys, which belong to a network."""
        known = {field.name for field in dataclasses.fields(SpectralGPTConfig)}
        return SpectralGPTConfig(**{key: value for key, value in values.items() if key in known})


PRESETS: dict[str, SpectralGPTConfig] = {
    # Ours: small enough for a CPU and for shipping; nine bands that every Sentinel-2 product has.
    "tiny": SpectralGPTConfig(
        bands=9, dim=128, depth=6, heads=4, decoder_dim=64, decoder_depth=2, decoder_heads=4
    ),
    "small": SpectralGPTConfig(
        bands=9, dim=192, depth=12, heads=3, decoder_dim=128, decoder_depth=2, decoder_heads=4
    ),
    # As published.
    "base": SpectralGPTConfig(dim=768, depth=12, heads=12),
    "large": SpectralGPTConfig(dim=1024, depth=24, heads=16),
    "huge": SpectralGPTConfig(dim=1280, depth=32, heads=16),
}


def preset(name: str, **changes: Any) -> SpectralGPTConfig:
    """A preset with some of its fields changed.

    Args:
        name: One of `PRESETS`.
        **changes: Fields of `SpectralGPTConfig`.

    Raises:
        InvalidParameter: There is no such preset.
    """
    if name not in PRESETS:
        raise InvalidParameter(f"There is no preset '{name}'. Choose one of {', '.join(PRESETS)}.")
    return dataclasses.replace(PRESETS[name], **changes)

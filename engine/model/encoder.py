"""The encoder of SpectralGPT: one vector for each place and spectral group of an image."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..errors import CheckpointMismatch, InvalidParameter
from .config import SpectralGPTConfig
from .layers import Block, SpectralPatchEmbed, initialise
from .network import Network
from .position import resize_spatial, token_grid, token_positions


class SpectralBackbone(Network):
    """Patch embedding, positions and transformer blocks, which every network of the family has.

    Parameters are named as in the published checkpoints, which have them at the top level: so the
    published networks inherit from this class instead of holding an instance.
    """

    def __init__(self, config: SpectralGPTConfig) -> None:
        """Makes a backbone with fresh weights."""
        super().__init__()
        self.config = config
        rows, columns = config.grid
        self.pos_embed_spatial = nn.Parameter(torch.zeros(1, rows * columns, config.dim))
        self.pos_embed_temporal = nn.Parameter(torch.zeros(1, config.groups, config.dim))
        self.patch_embed = SpectralPatchEmbed(config.spectral_patch, config.patch, config.dim)
        self.blocks = nn.ModuleList(
            Block(config.dim, config.heads, config.mlp_ratio, config.norm_eps, rate)
            for rate in _linear_rates(config.drop_path, config.depth)
        )
        self.norm = nn.LayerNorm(config.dim, eps=config.norm_eps)
        nn.init.trunc_normal_(self.pos_embed_spatial, std=0.02)
        nn.init.trunc_normal_(self.pos_embed_temporal, std=0.02)
        self.patch_embed.apply(initialise)
        self.blocks.apply(initialise)

    def embed(self, image: Tensor, groups: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Tokens and position embeddings, not yet added, as masking drops tokens in between.

        Args:
            image: Normalised image [B, C, H, W]; H and W multiples of the patch.
            groups: Ascending indices [G'] of the spectral groups present; all when None.

        Returns:
            Tokens [B, G', L, D] and positions [1, G', L, D].

        Raises:
            InvalidParameter: The image has another number of bands or an impossible size.
        """
        if image.ndim != 4 or image.shape[1] != self.config.bands:
            raise InvalidParameter(
                f"The network expects images [batch, {self.config.bands}, height, width], but got "
                f"{list(image.shape)}. Fill missing bands with zeros and leave out their group."
            )
        grid = token_grid(image.shape[2], image.shape[3], self.config.patch)
        positions = token_positions(
            self.pos_embed_spatial, self.pos_embed_temporal, self.config.grid, grid, groups
        )
        return self.patch_embed(image, groups), positions

    def encode(self, image: Tensor, groups: Tensor | None = None) -> Tensor:
        """Tokens after the last block, without the final norm.

        Args:
            image: Normalised image [B, C, H, W]; H and W multiples of the patch.
            groups: Ascending indices [G'] of the spectral groups present; all when None.

        Returns:
            [B, G', L, D], L = H / patch * W / patch, row by row.
        """
        tokens, positions = self.embed(image, groups)
        sequence = (tokens + positions).flatten(1, 2).contiguous()  # [B, G' * L, D]
        for block in self.blocks:
            sequence = block(sequence)
        return sequence.reshape(tokens.shape)

    def load_backbone(self, state: dict[str, Tensor]) -> None:
        """Loads the encoder's weights from a pretrained network of any window size.

        Spatial position embeddings are interpolated to this encoder's grid; weights of other parts
        (pretraining decoder, head) are ignored.

        Args:
            state: State dict of a network that extends the backbone.

        Raises:
            CheckpointMismatch: A weight is missing or has another shape.
        """
        own = encoder_keys(self.config)
        wanted = {key: value for key, value in self.state_dict().items() if key in own}
        taken = {key: value for key, value in state.items() if key in wanted}
        spatial = taken.get("pos_embed_spatial")
        if spatial is not None:
            side = round(spatial.shape[1] ** 0.5)
            taken["pos_embed_spatial"] = resize_spatial(spatial, (side, side), self.config.grid)
        wrong = [key for key in wanted if key not in taken or taken[key].shape != wanted[key].shape]
        if wrong:
            raise CheckpointMismatch(
                f"The pretrained model does not match this network: {len(wrong)} of {len(wanted)} encoder weights are "
                f"missing or have a different shape ({', '.join(wrong[:3])}). Choose a backbone with the same bands, "
                "width and depth."
            )
        self.load_state_dict(taken, strict=False)


class SpectralEncoder(SpectralBackbone):
    """The backbone alone, for networks that hold it as a submodule."""

    def forward(self, image: Tensor, groups: Tensor | None = None) -> Tensor:
        """Same as `encode`; apply `.norm` for heads that expect normalised tokens."""
        return self.encode(image, groups)

    def token_map(self, image: Tensor, groups: Tensor | None = None) -> Tensor:
        """Mean of the normalised tokens over the spectral groups, as a map; arguments as for `encode`.

        Returns:
            [B, D, H / patch, W / patch].
        """
        tokens = self.norm(self(image, groups)).mean(1)  # [B, L, D]
        rows, columns = (side // self.config.patch for side in image.shape[2:])
        return tokens.transpose(1, 2).reshape(-1, self.config.dim, rows, columns)


def encoder_keys(config: SpectralGPTConfig) -> frozenset[str]:
    """Names of the encoder's weights, without those that a subclass adds."""
    with torch.device("meta"):
        return frozenset(SpectralBackbone(config).state_dict())


def _linear_rates(last: float, depth: int) -> list[float]:
    """Drop-path rates that rise linearly from 0 to `last`."""
    return [last * index / max(depth - 1, 1) for index in range(depth)]

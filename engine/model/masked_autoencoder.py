"""The masked autoencoder of pretraining: hides most tokens of a spectral cube and reconstructs them."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from ..errors import InvalidParameter
from .config import SpectralGPTConfig
from .encoder import SpectralBackbone
from .layers import Block, initialise
from .losses import LOSSES, ReconstructionLoss
from .position import token_grid, token_positions

MASK_RATIO = 0.90


class Masking(NamedTuple):
    """Which of N tokens the encoder sees.

    Attributes:
        kept: Indices [B, K] of visible tokens, in the order in which they are encoded.
        restore: Index [B, N] of each token in the sequence of kept, then hidden tokens.
        hidden: [B, N], 1 for a hidden token, 0 for a visible one.
    """

    kept: Tensor
    restore: Tensor
    hidden: Tensor


class Reconstruction(NamedTuple):
    """The output of the masked autoencoder.

    Attributes:
        loss: The loss, a scalar.
        terms: The loss's unweighted parts.
        prediction: [B, N, V] values of every token, N = G' * L.
        hidden: [B, N], 1 for a hidden token.
    """

    loss: Tensor
    terms: dict[str, Tensor]
    prediction: Tensor
    hidden: Tensor


class MaskedAutoencoder(SpectralBackbone):
    """The encoder, and a light decoder that only pretraining needs."""

    network = "masked-autoencoder"

    def __init__(
        self, config: SpectralGPTConfig, loss: ReconstructionLoss = LOSSES["public"]
    ) -> None:
        """Makes the network with fresh weights.

        Args:
            config: Sizes of encoder and decoder.
            loss: The reconstruction loss; it has no weights.
        """
        super().__init__(config)
        self.loss = loss
        rows, columns = config.grid
        dim = config.decoder_dim
        self.mask_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.decoder_pos_embed_spatial = nn.Parameter(torch.zeros(1, rows * columns, dim))
        self.decoder_pos_embed_temporal = nn.Parameter(torch.zeros(1, config.groups, dim))
        self.decoder_embed = nn.Linear(config.dim, dim)
        self.decoder_blocks = nn.ModuleList(
            Block(dim, config.decoder_heads, config.mlp_ratio, config.norm_eps)
            for _ in range(config.decoder_depth)
        )
        self.decoder_norm = nn.LayerNorm(dim, eps=config.norm_eps)
        self.decoder_pred = nn.Linear(dim, config.token_values)
        nn.init.normal_(self.mask_token, std=0.02)
        nn.init.trunc_normal_(self.decoder_pos_embed_spatial, std=0.02)
        nn.init.trunc_normal_(self.decoder_pos_embed_temporal, std=0.02)
        for part in (self.decoder_embed, self.decoder_blocks, self.decoder_pred):
            part.apply(initialise)

    def architecture(self) -> dict[str, Any]:
        """What `from_architecture` needs to build this network again."""
        return {"network": self.network, **self.config.to_dict()}

    @classmethod
    def from_architecture(cls, architecture: dict[str, Any]) -> MaskedAutoencoder:
        """Builds the network a card describes."""
        return cls(SpectralGPTConfig.from_dict(architecture))

    def patchify(self, image: Tensor, groups: Tensor | None = None) -> Tensor:
        """Cuts an image into the values of its tokens.

        Args:
            image: [B, C, H, W].
            groups: Indices [G'] of the spectral groups to take; all when None.

        Returns:
            [B, G', L, V]; inside a token the order is band, row, column.
        """
        size, bands = self.config.patch, self.config.spectral_patch
        rows, columns = token_grid(image.shape[2], image.shape[3], size)
        cut = image.reshape(image.shape[0], -1, bands, rows, size, columns, size)
        if groups is not None:
            cut = cut.index_select(1, groups)
        return cut.permute(0, 1, 3, 5, 2, 4, 6).reshape(
            image.shape[0], -1, rows * columns, self.config.token_values
        )

    def unpatchify(self, tokens: Tensor, height: int, width: int) -> Tensor:
        """Assembles an image from the values of its tokens; the inverse of `patchify`.

        Args:
            tokens: [B, G', L, V] or [B, G' * L, V].
            height: Rows of the image, pixels.
            width: Columns of the image, pixels.

        Returns:
            [B, C', H, W], with the bands of the groups in `tokens`.
        """
        size, bands = self.config.patch, self.config.spectral_patch
        rows, columns = token_grid(height, width, size)
        cut = tokens.reshape(tokens.shape[0], -1, rows, columns, bands, size, size)
        return cut.permute(0, 1, 4, 2, 5, 3, 6).reshape(tokens.shape[0], -1, height, width)

    def random_masking(self, noise: Tensor, mask_ratio: float = MASK_RATIO) -> Masking:
        """Chooses the visible tokens, those with the lowest noise, over space and spectrum together.

        Args:
            noise: [B, N], a random value for each token.
            mask_ratio: Share of tokens to hide; the number of visible ones is rounded down.

        Raises:
            InvalidParameter: The ratio hides no token or all of them.
        """
        count = noise.shape[1]
        visible = int(count * (1 - mask_ratio))
        if not 0 < visible < count:
            raise InvalidParameter(
                f"A mask ratio of {mask_ratio} leaves {visible} of {count} tokens visible, but some must be hidden "
                "and some visible. Use 0.9, or a larger window."
            )
        order = noise.argsort(dim=1)
        restore = order.argsort(dim=1)
        return Masking(order[:, :visible], restore, (restore >= visible).to(noise.dtype))

    def forward_encoder(
        self,
        image: Tensor,
        mask_ratio: float = MASK_RATIO,
        groups: Tensor | None = None,
        noise: Tensor | None = None,
    ) -> tuple[Tensor, Masking]:
        """Encodes the visible tokens.

        Args:
            image: Normalised image [B, C, H, W].
            mask_ratio: Share of tokens to hide.
            groups: Ascending indices [G'] of the spectral groups present; all when None.
            noise: [B, G' * L] that decides which tokens are hidden; random when None.

        Returns:
            Normalised tokens [B, K, D] in the order of `Masking.kept`, and the masking.
        """
        tokens, positions = (part.flatten(1, 2) for part in self.embed(image, groups))  # [B, N, D]
        if noise is None:
            noise = torch.rand(tokens.shape[:2], device=tokens.device)
        masking = self.random_masking(noise, mask_ratio)
        index = masking.kept[..., None].expand(-1, -1, tokens.shape[2])  # [B, K, D]
        sequence = tokens.gather(1, index) + positions.expand_as(tokens).gather(1, index)
        for block in self.blocks:
            sequence = block(sequence)
        return self.norm(sequence), masking

    def forward_decoder(
        self,
        latent: Tensor,
        masking: Masking,
        grid: tuple[int, int],
        groups: Tensor | None = None,
    ) -> Tensor:
        """Predicts the values of all tokens from the visible ones.

        Args:
            latent: [B, K, D] from `forward_encoder`.
            masking: The masking from `forward_encoder`.
            grid: Rows and columns of tokens.
            groups: Ascending indices [G'] of the spectral groups present; all when None.

        Returns:
            [B, N, V].
        """
        visible = self.decoder_embed(latent)  # [B, K, d]
        batch, kept, dim = visible.shape
        count = masking.restore.shape[1]
        blank = self.mask_token.to(visible.dtype).expand(batch, count - kept, -1)
        index = masking.restore[..., None].expand(-1, -1, dim)
        sequence = torch.cat([visible, blank], dim=1).gather(1, index)  # [B, N, d]
        positions = token_positions(
            self.decoder_pos_embed_spatial,
            self.decoder_pos_embed_temporal,
            self.config.grid,
            grid,
            groups,
        )
        sequence = sequence + positions.flatten(1, 2)
        for block in self.decoder_blocks:
            sequence = block(sequence)
        return self.decoder_pred(self.decoder_norm(sequence))

    def forward_loss(
        self,
        image: Tensor,
        prediction: Tensor,
        hidden: Tensor,
        groups: Tensor | None = None,
        valid: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Compares the prediction with the image; no-data is given no weight.

        Args:
            image: [B, C, H, W], the target.
            prediction: [B, N, V].
            hidden: [B, N], 1 for a hidden token.
            groups: Indices [G'] of the spectral groups present; all when None.
            valid: [B, 1, H, W] or [B, C, H, W], 1 where a pixel is valid; all when None.

        Returns:
            "loss" and its unweighted terms.
        """
        target = self.patchify(image, groups)  # [B, G', L, V]
        weight = None
        if valid is not None:
            weight = self.patchify(valid.to(target.dtype).expand_as(image), groups)
        # In float32 even under autocast, as the sums run over very many values.
        prediction = prediction.float().reshape(target.shape)
        return self.loss(prediction, target.float(), hidden.reshape(target.shape[:3]), weight)

    def forward(
        self,
        image: Tensor,
        groups: Tensor | None = None,
        valid: Tensor | None = None,
        noise: Tensor | None = None,
        mask_ratio: float = MASK_RATIO,
    ) -> Reconstruction:
        """Hides tokens, reconstructs them, and computes the loss.

        Args:
            image: Normalised image [B, C, H, W].
            groups: Ascending indices [G'] of the spectral groups present; all when None.
            valid: [B, 1, H, W] or [B, C, H, W], 1 where a pixel is valid; all when None.
            noise: [B, G' * L] that decides which tokens are hidden; random when None.
            mask_ratio: Share of tokens to hide.
        """
        grid = token_grid(image.shape[2], image.shape[3], self.config.patch)
        latent, masking = self.forward_encoder(image, mask_ratio, groups, noise)
        prediction = self.forward_decoder(latent, masking, grid, groups)
        terms = self.forward_loss(image, prediction, masking.hidden, groups, valid)
        return Reconstruction(terms.pop("loss"), terms, prediction, masking.hidden)

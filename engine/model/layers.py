"""The parts of the transformer: patch embedding, attention, MLP, stochastic depth, block."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Attention(nn.Module):
    """Multi-head self-attention, with separate q, k and v as in the published weights."""

    def __init__(self, dim: int, heads: int) -> None:
        """Makes `heads` heads over tokens of width `dim`."""
        super().__init__()
        self.heads = heads
        self.q = nn.Linear(dim, dim)
        self.k = nn.Linear(dim, dim)
        self.v = nn.Linear(dim, dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, tokens: Tensor) -> Tensor:
        """Maps [B, N, D] to [B, N, D]."""
        batch, count, dim = tokens.shape

        def split(values: Tensor) -> Tensor:
            return values.reshape(batch, count, self.heads, dim // self.heads).transpose(1, 2)

        q, k, v = (
            split(self.q(tokens)),
            split(self.k(tokens)),
            split(self.v(tokens)),
        )  # [B, heads, N, D / heads]
        mixed = F.scaled_dot_product_attention(q, k, v)
        return self.proj(mixed.transpose(1, 2).reshape(batch, count, dim))  # [B, N, D]


class Mlp(nn.Module):
    """Two linear layers with GELU between, applied to each token."""

    def __init__(self, dim: int, hidden: int) -> None:
        """Makes the layers dim -> hidden -> dim."""
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden)
        self.fc2 = nn.Linear(hidden, dim)

    def forward(self, tokens: Tensor) -> Tensor:
        """Maps [B, N, D] to [B, N, D]."""
        return self.fc2(F.gelu(self.fc1(tokens)))


class DropPath(nn.Module):
    """Stochastic depth: drops a residual branch for whole samples in training."""

    def __init__(self, rate: float) -> None:
        """Drops with probability `rate`, and scales up what is kept so that the mean stays the same."""
        super().__init__()
        self.rate = rate

    def forward(self, branch: Tensor) -> Tensor:
        """Maps [B, ...] to [B, ...]; the identity outside training."""
        if self.rate == 0.0 or not self.training:
            return branch
        keep = 1.0 - self.rate
        kept = torch.rand(branch.shape[0], *[1] * (branch.ndim - 1), device=branch.device) < keep
        return branch * kept / keep


class Block(nn.Module):
    """Pre-norm transformer block."""

    def __init__(
        self, dim: int, heads: int, mlp_ratio: float, norm_eps: float, drop_path: float = 0.0
    ) -> None:
        """Makes a block of width `dim`."""
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=norm_eps)
        self.attn = Attention(dim, heads)
        self.norm2 = nn.LayerNorm(dim, eps=norm_eps)
        self.mlp = Mlp(dim, int(dim * mlp_ratio))
        self.drop_path = DropPath(drop_path)

    def forward(self, tokens: Tensor) -> Tensor:
        """Maps [B, N, D] to [B, N, D]."""
        tokens = tokens + self.drop_path(self.attn(self.norm1(tokens)))
        return tokens + self.drop_path(self.mlp(self.norm2(tokens)))


class SpectralPatchEmbed(nn.Module):
    """Cuts an image into tokens of spectral_patch x patch x patch values and projects each."""

    def __init__(self, spectral_patch: int, patch: int, dim: int) -> None:
        """Makes the projection to width `dim`."""
        super().__init__()
        self.spectral_patch = spectral_patch
        self.patch = patch
        size = (spectral_patch, patch, patch)
        self.proj = nn.Conv3d(1, dim, kernel_size=size, stride=size)

    def forward(self, image: Tensor, groups: Tensor | None = None) -> Tensor:
        """Embeds the tokens of the spectral groups that are present.

        Args:
            image: [B, C, H, W] with all C bands.
            groups: Indices [G'] of the groups to take; all when None.

        Returns:
            [B, G', L, D], L = H / patch * W / patch, row by row.
        """
        batch, bands, height, width = image.shape
        grouped = image.reshape(
            batch, bands // self.spectral_patch, self.spectral_patch, height, width
        )
        if groups is not None:
            grouped = grouped.index_select(1, groups)
        if image.is_cuda:  # a matrix product: on a GPU the convolution is many times slower
            return F.linear(self._cut(grouped), self.proj.weight.flatten(1), self.proj.bias)
        tokens = self.proj(grouped.reshape(batch, 1, -1, height, width))  # [B, D, G', H', W']
        return tokens.flatten(3).permute(0, 2, 3, 1)  # [B, G', L, D]

    def _cut(self, grouped: Tensor) -> Tensor:
        """The values of each token: [B, G', spectral_patch, H, W] to [B, G', L, V]."""
        batch, groups, bands, height, width = grouped.shape
        size = self.patch
        cut = grouped.reshape(batch, groups, bands, height // size, size, width // size, size)
        cut = cut.permute(0, 1, 3, 5, 2, 4, 6)  # [B, G', H', W', spectral_patch, patch, patch]
        return cut.reshape(batch, groups, -1, bands * size * size)


def initialise(module: nn.Module) -> None:
    """Initialises one module as published; for use with `Module.apply`."""
    if isinstance(module, (nn.Linear, nn.Conv3d)):
        # The convolution too is initialised as one matrix [outputs, inputs], whose fan-in is a token.
        nn.init.xavier_uniform_(module.weight.detach().flatten(1))
        if module.bias is not None:
            nn.init.zeros_(module.bias)

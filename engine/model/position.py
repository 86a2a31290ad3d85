"""Learned position embeddings: where a token lies in the window and in the spectrum."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from ..errors import InvalidParameter


def token_grid(height: int, width: int, patch: int) -> tuple[int, int]:
    """Rows and columns of tokens of a window.

    Args:
        height: Rows of the window, pixels.
        width: Columns of the window, pixels.
        patch: Side of a token, pixels.

    Raises:
        InvalidParameter: A side is not a positive multiple of the patch.
    """
    if height < patch or width < patch or height % patch or width % patch:
        near = [max(1, round(side / patch)) * patch for side in (height, width)]
        raise InvalidParameter(
            f"A window of {height} x {width} pixels cannot be divided into tokens of {patch} x {patch}: both sides "
            f"must be multiples of {patch}. The nearest valid size is {near[0]} x {near[1]}."
        )
    return height // patch, width // patch


def resize_spatial(embedding: Tensor, native: tuple[int, int], grid: tuple[int, int]) -> Tensor:
    """Interpolates a spatial position embedding bicubically to another grid of tokens.

    Args:
        embedding: [1, L, D], L = native rows * native columns.
        native: Rows and columns for which it was learned.
        grid: Wanted rows and columns.

    Returns:
        [1, rows * columns, D]; the very same tensor when the grid is the native one.
    """
    if tuple(grid) == tuple(native):
        return embedding
    image = embedding.reshape(1, native[0], native[1], -1).permute(
        0, 3, 1, 2
    )  # [1, D, rows, columns]
    resized = F.interpolate(image, size=grid, mode="bicubic", align_corners=False)
    return resized.flatten(2).transpose(1, 2)  # [1, L', D]


def token_positions(
    spatial: Tensor,
    spectral: Tensor,
    native: tuple[int, int],
    grid: tuple[int, int],
    groups: Tensor | None = None,
) -> Tensor:
    """The position embedding of every token: the sum of its spatial and its spectral one.

    Args:
        spatial: [1, L, D], learned for `native`.
        spectral: [1, G, D].
        native: Rows and columns for which `spatial` was learned.
        grid: Rows and columns of the window's tokens.
        groups: Indices [G'] of the groups present; all when None.

    Returns:
        [1, G', L', D], spectral group by spectral group.
    """
    if groups is not None:
        spectral = spectral.index_select(1, groups)
    places = resize_spatial(spatial, native, grid)
    return spectral[:, :, None, :] + places[:, None, :, :]  # [1, G', L', D]

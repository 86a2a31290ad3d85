"""The reconstruction error of a network on hidden tokens, with baselines without a network."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..model.masked_autoencoder import MASK_RATIO, MaskedAutoencoder
from ..model.position import token_grid


@dataclass(frozen=True)
class ReconstructionError:
    """Mean squared errors of hidden, valid values, in normalised units (1 is a band's variance).

    Attributes:
        model: Error of the network.
        interpolation: Error of interpolating each band between its visible tokens, by inverse squared
            distance.
        mean: Error of filling in the mean of each band's visible tokens.
    """

    model: float
    interpolation: float
    mean: float


@torch.no_grad()
def reconstruction_error(
    network: MaskedAutoencoder,
    image: Tensor,
    valid: Tensor,
    mask_ratio: float = MASK_RATIO,
    seed: int = 0,
    batch: int = 16,
    groups: Tensor | None = None,
) -> ReconstructionError:
    """Compares the network's reconstruction of hidden tokens with baselines.

    Args:
        network: The network; is put into evaluation mode.
        image: Normalised images [N, C, S, S].
        valid: 1 where valid [N, 1, S, S].
        mask_ratio: Share of tokens to hide.
        seed: Seed of the masking.
        batch: Images per batch.
        groups: Indices of the spectral groups that the images have [G']; None for all.
    """
    network.eval()
    config = network.config
    device = network.pos_embed_spatial.device
    groups = torch.arange(config.groups) if groups is None else groups
    groups = groups.to(device)
    grid = token_grid(image.shape[2], image.shape[3], config.patch)
    random = torch.Generator().manual_seed(seed)
    errors, count = torch.zeros(3, dtype=torch.float64), 0.0
    for start in range(0, image.shape[0], batch):
        part = image[start : start + batch].to(device)
        seen = valid[start : start + batch].to(device)
        noise = torch.rand(part.shape[0], len(groups) * grid[0] * grid[1], generator=random)
        result = network(part, groups, noise=noise.to(device), mask_ratio=mask_ratio)
        target = network.patchify(part, groups)  # [B, G', L, V]
        weight = network.patchify(seen.expand_as(part), groups) * result.hidden.reshape(
            *target.shape[:3], 1
        )
        guesses = (
            result.prediction.reshape(target.shape),
            *_interpolate(target, 1 - result.hidden.reshape(target.shape[:3]), grid, config.patch),
        )
        for index, guess in enumerate(guesses):
            errors[index] += ((guess - target).square() * weight).sum().double().cpu()
        count += float(weight.sum())
    model, interpolation, mean = (errors / max(count, 1.0)).tolist()
    return ReconstructionError(model, interpolation, mean)


def _interpolate(
    target: Tensor, visible: Tensor, grid: tuple[int, int], patch: int
) -> tuple[Tensor, Tensor]:
    """Baselines from the visible tokens' band means: weighted by inverse squared distance, and unweighted.

    Args:
        target: True values [B, G, L, V].
        visible: 1 where a token is visible [B, G, L].
        grid: Rows and columns of tokens, L in total.
        patch: Side of a token, pixels; V = bands * patch * patch.
    """
    means = target.unflatten(3, (-1, patch * patch)).mean(-1) * visible[..., None]  # [B, G, L, b]
    rows, columns = torch.meshgrid(*(torch.arange(n) for n in grid), indexing="ij")
    place = torch.stack([rows.flatten(), columns.flatten()], 1).float().to(target)
    weight = 1 / torch.cdist(place, place).square().clamp(min=1e-6)  # [L, L]
    near = torch.einsum("lm,bgmk->bglk", weight, means)
    near = near / torch.einsum("lm,bgm->bgl", weight, visible).clamp(min=1e-9)[..., None]
    plain = means.sum(2, keepdim=True) / visible.sum(2).clamp(min=1)[:, :, None, None]
    size = patch * patch
    return (
        near.repeat_interleave(size, dim=3),
        plain.expand_as(near).repeat_interleave(size, dim=3),
    )

"""Makes networks with random weights: their bands, and position embeddings that are distinct from the start."""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor, nn

from ..cards import Band
from ..model.config import preset
from ..model.losses import LOSSES, ReconstructionLoss
from ..model.masked_autoencoder import MaskedAutoencoder

# Nine Sentinel-2 bands in three spectral groups, which all common products contain.
CARD_BANDS = (
    Band("B02", "blue", 0.490, 0.098),
    Band("B03", "green", 0.560, 0.045),
    Band("B04", "red", 0.665, 0.038),
    Band("B05", "rededge", 0.704, 0.019),
    Band("B06", "rededge", 0.740, 0.018),
    Band("B07", "rededge", 0.783, 0.028),
    Band("B08", "nir", 0.833, 0.145),
    Band("B11", "swir16", 1.610, 0.143),
    Band("B12", "swir22", 2.190, 0.242),
)
RED_EDGE = 1  # index of the spectral group that other sensors lack


def fresh_network(
    size: str, window: int, seed: int, loss: ReconstructionLoss = LOSSES["public"]
) -> MaskedAutoencoder:
    """Makes a network of a named size with random weights, for `CARD_BANDS`.

    Args:
        size: One of `model.config.PRESETS`.
        window: Side of the windows for which position embeddings are learned, pixels.
        seed: Seed of the weights.
        loss: The reconstruction loss.

    Raises:
        InvalidParameter: There is no such size, or the window is not a multiple of its patch.
    """
    torch.manual_seed(seed)
    network = MaskedAutoencoder(preset(size, bands=len(CARD_BANDS), image_size=window), loss)
    start_positions(network)
    return network


@torch.no_grad()
def start_positions(network: MaskedAutoencoder) -> None:
    """Initialises the learned position embeddings as waves along rows and columns.

    Starting from small noise, it takes a long run until attention can distinguish positions at all.
    """
    for spatial, spectral in (
        (network.pos_embed_spatial, network.pos_embed_temporal),
        (network.decoder_pos_embed_spatial, network.decoder_pos_embed_temporal),
    ):
        spatial.copy_(wave_positions(*network.config.grid, spatial.shape[2]))
        torch.nn.init.normal_(spectral, std=0.25)


def drop_positions(network: MaskedAutoencoder, window: int) -> None:
    """Resets the position embeddings for windows of another size.

    The published networks were trained this way from one size to the next.

    Args:
        network: The network, changed in place; all other weights stay.
        window: Side of the new windows, pixels.
    """
    network.config = dataclasses.replace(network.config, image_size=window)
    for name in ("pos_embed_spatial", "decoder_pos_embed_spatial"):
        old = getattr(network, name)
        fresh = wave_positions(*network.config.grid, old.shape[2])
        setattr(network, name, nn.Parameter(fresh.to(old)))


def wave_positions(rows: int, columns: int, dim: int) -> Tensor:
    """A spatial embedding [1, rows * columns, dim] of sines and cosines; `dim` must be a multiple of 4."""
    quarter = dim // 4
    frequency = 1.5 * 100.0 ** -(torch.arange(quarter) / quarter)  # radians per token
    places = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    angles = [place.flatten()[:, None] * frequency for place in places]  # [L, D / 4] each
    waves = [wave(angle) for angle in angles for wave in (torch.sin, torch.cos)]
    return 0.5 * torch.cat(waves, dim=1)[None]

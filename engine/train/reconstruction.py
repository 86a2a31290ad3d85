"""Shows a pretrained network's reconstruction of a window: masked input, reconstruction and error."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
import torch
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import MemoryFile
from rasterio.windows import Window

from ..cards import Card
from ..data.grid import Grid
from ..model.masked_autoencoder import MASK_RATIO, MaskedAutoencoder
from ..model.normalise import normalisation
from ..model.position import token_grid

PARTS = ("masked input", "reconstruction", "error")
_HIDDEN_GREY = 128
_COLOURS = ("red", "green", "blue")
_GAP = 4  # pixels between the panels
_LEAST_SIDE = 256  # least side of a panel, pixels; smaller windows are enlarged


@dataclass(frozen=True)
class View:
    """A window's masked input, its reconstruction, and the error; float32 [C, S, S] in the card's unit.

    Attributes:
        masked: The input, NaN where hidden, invalid or missing.
        painted: The window with its hidden tokens reconstructed, NaN where invalid or missing.
        error: Reconstructed minus true values where hidden, NaN elsewhere.
    """

    masked: np.ndarray
    painted: np.ndarray
    error: np.ndarray


@torch.no_grad()
def view(
    network: MaskedAutoencoder,
    card: Card,
    image: np.ndarray,
    valid: np.ndarray,
    groups: tuple[int, ...],
    mask_ratio: float = MASK_RATIO,
    seed: int = 0,
) -> View:
    """Hides tokens of a window and lets the network reconstruct them.

    Args:
        network: The network; is put into evaluation mode.
        card: Its card, which defines the normalisation.
        image: The window, float32 [C, S, S] in the card's unit, 0 where invalid or missing.
        valid: Valid pixels, bool [S, S].
        groups: Ascending indices of the spectral groups that the image has.
        mask_ratio: Share of tokens to hide.
        seed: Seed of the masking.
    """
    network.eval()
    device = network.pos_embed_spatial.device
    bands, size = image.shape[0], image.shape[1:]
    grid = token_grid(size[0], size[1], network.config.patch)
    given = torch.from_numpy(image)[None].to(device)
    seen = torch.from_numpy(valid)[None, None].float().to(device)
    normalised = normalisation(card.normalisation, bands).to(device)(given, seen)  # [1, C, S, S]
    chosen = torch.tensor(groups, device=device)
    random = torch.Generator().manual_seed(seed)
    noise = torch.rand(1, len(groups) * grid[0] * grid[1], generator=random).to(device)
    result = network(normalised, chosen, seen, noise, mask_ratio)
    painted = network.unpatchify(result.prediction.float(), *size)[0].cpu().numpy()
    tokens = result.hidden[..., None].expand_as(result.prediction)
    hidden = network.unpatchify(tokens.float(), *size)[0].cpu().numpy() > 0

    positions = [
        group * network.config.spectral_patch + band
        for group in groups
        for band in range(network.config.spectral_patch)
    ]
    empty = np.full(image.shape, np.nan, np.float32)
    masked, whole, error = empty.copy(), empty.copy(), empty.copy()
    for place, position in enumerate(positions):
        true = image[position]
        guess = _in_unit(card, position, painted[place], true[valid])
        masked[position] = np.where(hidden[place] | ~valid, np.nan, true)
        whole[position] = np.where(valid, np.where(hidden[place], guess, true), np.nan)
        error[position] = np.where(hidden[place] & valid, guess - true, np.nan)
    return View(masked, whole, error)


def _in_unit(card: Card, band: int, values: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Converts a band's network values back to the card's unit; `seen` are the window's valid pixels."""
    kind = card.normalisation
    if kind.kind == "statistics":
        return values * kind.std[band] + kind.mean[band]
    if kind.kind == "tile-minmax" and seen.size:
        return values * (seen.max() - seen.min()) + seen.min()
    return values


def write_view(path: Path, shown: View, card: Card, grid: Grid, window: Window) -> None:
    """Writes a view as a GeoTIFF: three bands for each of the model's, named by their descriptions.

    Args:
        path: A staged .tif file.
        shown: The view.
        card: The model's card, for the names of the bands.
        grid: Grid of the raster that the window was read from.
        window: The window.
    """
    names = [f"{band.name} {part}" for part in PARTS for band in card.bands]
    values = np.concatenate([shown.masked, shown.painted, shown.error])  # [3 C, S, S]
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=len(names),
        height=values.shape[1],
        width=values.shape[2],
        dtype="float32",
        crs=grid.crs,
        transform=grid.window_transform(window),
        nodata=float("nan"),
        compress="deflate",
        predictor=3,
        tiled=True,
        blockxsize=256,
        blockysize=256,
        interleave="band",
    ) as dataset:
        dataset.write(values)
        dataset.descriptions = tuple(names)
        dataset.update_tags(TIFFTAG_SOFTWARE="SpectralGPT for QGIS", SPECTRALGPT_MODEL=card.name)


def picture(shown: View, card: Card) -> bytes:
    """A PNG of three panels: masked input and reconstruction in true colour, error in grey.

    Hidden and invalid pixels are grey; in the error, black is 0 and white the largest.
    """
    bands = _colour_bands(card, shown)
    truth = shown.painted[bands]
    low, high = _stretch(truth)
    panels = [_stretched(part[bands], low, high) for part in (shown.masked, shown.painted)]
    size = shown.error.shape[1:]
    known = np.isfinite(shown.error)
    total = np.where(known, np.abs(np.nan_to_num(shown.error)), 0).sum(0)
    amount = total / np.maximum(known.sum(0), 1)  # [S, S]
    most = float(np.percentile(amount, 99)) or 1.0
    grey = np.clip(255 * amount / most, 0, 255).astype(np.uint8)
    panels.append(np.broadcast_to(grey, (3, *size)))
    times = max(1, -(-_LEAST_SIDE // size[0]))
    large = [panel.repeat(times, 1).repeat(times, 2) for panel in panels]
    gap = np.full((3, large[0].shape[1], _GAP), 255, np.uint8)
    return png(np.concatenate([large[0], gap, large[1], gap, large[2]], axis=2))


def png(values: np.ndarray) -> bytes:
    """An 8-bit image [3, rows, columns] as a PNG file."""
    with MemoryFile() as file, warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with file.open(
            driver="PNG", count=3, height=values.shape[1], width=values.shape[2], dtype="uint8"
        ) as dataset:
            dataset.write(values)
        return bytes(file.read())


def _colour_bands(card: Card, shown: View) -> list[int]:
    """Red, green and blue if model and window have them, else three bands that the window has."""
    common = [band.common_name for band in card.bands]
    has = [i for i in range(len(common)) if np.isfinite(shown.painted[i]).any()]
    chosen = [common.index(name) for name in _COLOURS if name in common]
    if len(chosen) < 3 or not set(chosen) <= set(has):
        chosen = [*has[:3], *[has[0] if has else 0] * (3 - len(has))]
    return chosen


def _stretch(values: np.ndarray) -> tuple[float, float]:
    """Common display limits of three bands, so that colours keep their ratios."""
    seen = values[np.isfinite(values)]
    if not seen.size:
        return 0.0, 1.0
    low, high = (float(limit) for limit in np.percentile(seen, (2, 98)))
    return low, high if high > low else low + 1.0


def _stretched(values: np.ndarray, low: float, high: float) -> np.ndarray:
    known = np.isfinite(values)
    shown = np.clip(255 * (np.nan_to_num(values) - low) / (high - low), 0, 255)
    return np.where(known, shown, _HIDDEN_GREY).astype(np.uint8)

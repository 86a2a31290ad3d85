"""Samples a scene's pixels to find out the unit of its values, before the scene is used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from rasterio.windows import Window

from ..bands import BandMatch
from .describe import Description
from .grid import Grid
from .scaling import Evidence

_SIDE = 768  # longer side of a decimated read, pixels
_WHOLE_SIDE = 2048  # rasters up to this size are decimated even without overviews, pixels
_CHUNK_SIDE = 128  # side of the windows that sample larger rasters without overviews, pixels
CHUNKS = 8  # windows along each side, for a representative sample
FEW_CHUNKS = 5  # the same, to determine the unit only: each window costs the reading of a block
_STACK = 16  # most bands of a Sentinel-2 stack
_L1C_BANDS = 13  # Sentinel-2's only product with the cirrus band
_LEVEL1 = ("L1TP", "L1GT", "L1GS", "_L1T", "_TOA")


def sample_windows(
    grid: Grid, overviews: bool, chunks: int = CHUNKS
) -> Iterator[tuple[Window, tuple[int, int]]]:
    """Windows that sample a scene, each with the shape to read it in.

    A large raster without overviews is sampled by small windows, as a decimated read would read all its pixels.

    Args:
        grid: The raster's own grid.
        overviews: Whether the raster has overviews.
        chunks: Number of windows along each side, if it has none.
    """
    if overviews or max(grid.shape) <= _WHOLE_SIDE:
        shrink = max(1.0, max(grid.shape) / _SIDE)
        rows, columns = (max(1, round(side / shrink)) for side in grid.shape)
        yield grid.window, (rows, columns)
        return
    tops = np.linspace(0, max(grid.height - _CHUNK_SIDE, 0), chunks).astype(int).tolist()
    lefts = np.linspace(0, max(grid.width - _CHUNK_SIDE, 0), chunks).astype(int).tolist()
    for top in dict.fromkeys(tops):
        for left in dict.fromkeys(lefts):
            window = grid.clip(Window(left, top, _CHUNK_SIDE, _CHUNK_SIDE))
            yield window, (int(window.height), int(window.width))


def telling_bands(description: Description, match: BandMatch) -> dict[int, str]:
    """Names of the bands whose darkest pixels can reveal an added offset, by band number.

    These are the bands of Sentinel-2; in a stack without names, the unnamed ones too. A band with
    another name, such as a cloud mask, reveals nothing.
    """
    names = {i.index: i.sentinel for i in match.identities if i.sentinel}
    for entry in match.entries:
        if entry.raster is not None:
            names.setdefault(entry.raster, entry.model)
    if len(description.descriptors) <= _STACK:
        for identity in match.identities:
            if not identity.text and identity.wavelength is None:
                names.setdefault(identity.index, _unnamed(identity.index))
    return names


def gather(
    dataset: Any,
    description: Description,
    match: BandMatch,
    dtype: str,
    indexes: Sequence[int],
    values: Sequence[np.ndarray],
) -> Evidence:
    """Gathers the evidence about the unit of the stored values.

    Args:
        dataset: Open rasterio dataset.
        description: Its metadata.
        match: Its bands, matched with the model's.
        dtype: numpy type of the used bands.
        indexes: Numbers of the sampled bands, from 1.
        values: Valid pixels of each sampled band [n].
    """
    used = match.indexes
    names = telling_bands(description, match)
    seen = {index: v for index, v in zip(indexes, values) if v.size}
    least = {index: float(np.percentile(v, 0.1)) for index, v in seen.items()}
    low = {names[index]: value for index, value in least.items() if index in names}
    high = {index: float(np.percentile(v, 99)) for index, v in seen.items()}
    if len(description.descriptors) == _L1C_BANDS and high:
        darkest = min(high, key=lambda index: high[index])
        if names.get(darkest) == _unnamed(darkest):  # the cirrus band: dark over any ground
            low["B10"] = low.pop(names[darkest])
    stack = len(description.descriptors) <= _STACK
    return Evidence(
        dtype=dtype,
        scales=tuple(float(dataset.scales[index - 1]) for index in used),
        offsets=tuple(float(dataset.offsets[index - 1]) for index in used),
        sensor=match.sensor,
        sentinel=bool(seen) and (match.sensor == "Sentinel-2" or (not match.sensor and stack)),
        baseline=description.baseline,
        offset=description.offset,
        low=low,
        high=max((high[index] for index in used if index in high), default=0.0),
        least=min((least[index] for index in used if index in least), default=0.0),
        pixels=next(iter(seen.values())).size if seen else 0,
        level1=any(mark in text for text in description.texts for mark in _LEVEL1),
    )


def _unnamed(index: int) -> str:
    return f"band {index}"

"""Holds out windows of imagery, so that a network is validated on ground that it never saw."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from rasterio.windows import Window

from ..errors import EmptyArea
from .lazy_patches import LazyRaster

_LATTICE_TRIES = 40  # windows of a raster that are tried until a valid one is found
_LEAST_VALID = 0.9  # share of valid pixels
_ROOM = 1.5  # space that must remain beside a held-out window, in sides of the largest patch
_BLOCK_SHARE = 64  # a further window is held out for every so many windows of a raster's area
_CHIP_SHARE = 10  # one in so many small rasters is held out whole


@dataclass(frozen=True)
class HeldWindows:
    """The windows that are held out.

    Attributes:
        image: float32 [N, C, S, S] in the card's unit, 0 where invalid or missing; N may be 0.
        valid: Valid pixels, bool [N, S, S].
        groups: Ascending indices of the spectral groups that all of them have.
        places: Raster and window of each.
    """

    image: np.ndarray
    valid: np.ndarray
    groups: tuple[int, ...]
    places: tuple[tuple[str, Window], ...]


def hold_windows(
    rasters: Sequence[LazyRaster], side: int, largest: int, *, seed: int = 0, most: int = 16
) -> tuple[list[LazyRaster], HeldWindows]:
    """Holds out windows, spread over the rasters.

    Some windows of each large raster are held out, and some of the small rasters as a whole. The
    same ground is held out in every raster that shows it.

    Args:
        rasters: All rasters; windows are taken from those with the most common spectral groups.
        side: Side of a window, pixels.
        largest: Side of the largest patch that is drawn for training, pixels.
        seed: Seed of the choice.
        most: Maximal number of windows.

    Returns:
        The rasters for training, which know the windows that they must not draw from, and the held-out windows.
    """
    random = np.random.default_rng((seed, side))
    groups = Counter(raster.groups for raster in rasters).most_common(1)[0][0]
    order = [int(i) for i in random.permutation(len(rasters)) if rasters[i].groups == groups]
    order = [i for i in order if min(rasters[i].shape) >= side]
    scenes = [i for i in order if _roomy(rasters[i], side, largest)]
    chips = [i for i in order if i not in set(scenes)]
    held: list[_Held] = []
    for turn in range(most):
        for index in scenes:
            area = int(np.prod(rasters[index].shape))
            if len(held) < most and turn <= area // (_BLOCK_SHARE * max(side, largest) ** 2):
                taken = [item.window for item in held if item.raster == index]
                windows = _candidates(rasters[index], side, largest, taken, random)
                held += _first_valid(rasters, index, windows)
    for index in chips[: min(most - len(held), len(chips) // _CHIP_SHARE)]:
        rows, columns = rasters[index].shape
        middle = Window((columns - side) // 2, (rows - side) // 2, side, side)
        held += _first_valid(rasters, index, [middle])
    bands = len(rasters[0].pool.card.bands)
    return _for_training(rasters, held, chips), HeldWindows(
        np.stack([item.image for item in held])
        if held
        else np.zeros((0, bands, side, side), np.float32),
        np.stack([item.valid for item in held]) if held else np.zeros((0, side, side), bool),
        groups,
        tuple((rasters[item.raster].path, item.window) for item in held),
    )


class _Held(NamedTuple):
    """A held-out window: number of its raster, place, image [C, S, S] and valid pixels [S, S]."""

    raster: int
    window: Window
    image: np.ndarray
    valid: np.ndarray


def _first_valid(
    rasters: Sequence[LazyRaster], index: int, windows: Sequence[Window]
) -> list[_Held]:
    """The first window of a raster with enough valid pixels; empty if there is none."""
    raster = rasters[index]
    for window in windows:
        image, valid = raster.pool.get(raster.path).read(window)
        if valid.mean() >= _LEAST_VALID:
            return [_Held(index, window, image, valid)]
    return []


def _for_training(
    rasters: Sequence[LazyRaster], held: Sequence[_Held], chips: Sequence[int]
) -> list[LazyRaster]:
    """The rasters that are not held out as a whole, each with the held-out ground that it shows."""
    whole = {item.raster for item in held} & set(chips)
    ground = [(rasters[item.raster], item.window) for item in held]
    remaining = []
    for number, raster in enumerate(rasters):
        blocks = _same_ground(raster, ground)
        covered = any((block.height, block.width) == raster.shape for block in blocks)
        if number not in whole and not covered:
            remaining.append(dataclasses.replace(raster, held=blocks))
    return remaining


def _same_ground(
    raster: LazyRaster, kept: Sequence[tuple[LazyRaster, Window]]
) -> tuple[Window, ...]:
    """The same ground as the held-out windows in another raster, such as another date, to be held out too."""
    blocks = []
    for other, window in kept:
        if other is raster:
            blocks.append(window)
            continue
        box = other.grid.window_bounds(window)
        try:
            extent = (box.left, box.bottom, box.right, box.top)
            blocks.append(raster.grid.window_of(extent, other.grid.crs))
        except EmptyArea:  # elsewhere
            continue
    return tuple(blocks)


def _roomy(raster: LazyRaster, side: int, largest: int) -> bool:
    """Whether patches still fit beside a held-out window in a corner."""
    return max(raster.shape) >= side + _ROOM * largest


def _candidates(
    raster: LazyRaster,
    side: int,
    largest: int,
    taken: Sequence[Window],
    random: np.random.Generator,
) -> list[Window]:
    """Windows of a lattice, in random order, that leave room for the largest patch beside them."""
    rows, columns = raster.shape
    room = _ROOM * largest
    # Includes the corners, even if the raster's sides are not multiples of the window's.
    tops = sorted({*range(0, rows - side + 1, side), rows - side})
    lefts = sorted({*range(0, columns - side + 1, side), columns - side})
    found = []
    for place in random.permutation(len(tops) * len(lefts)):
        top, left = tops[place // len(lefts)], lefts[place % len(lefts)]
        beside = max(top, rows - top - side, left, columns - left - side)
        apart = all(
            abs(top - window.row_off) >= side or abs(left - window.col_off) >= side
            for window in taken
        )
        if beside >= room and apart:
            found.append(Window(left, top, side, side))
        if len(found) == _LATTICE_TRIES:
            break
    return found

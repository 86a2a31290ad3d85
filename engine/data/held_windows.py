"""Holds out windows of imagery, so that a network is judged on ground that it was never shown."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rasterio.windows import Window

from ..errors import EmptyArea
from .lazy_patches import LazyRaster

_LATTICE_TRIES = 40  # windows of a raster that are looked at for valid ones
_LEAST_VALID = 0.9
_ROOM = 1.5  # windows of the largest size that must fit beside a held one
_BLOCK_SHARE = 64  # a raster holds back one window more for each so many windows of its area
_CHIP_SHARE = 10  # of small rasters, one of so many is held back whole


@dataclass(frozen=True)
class HeldWindows:
    """What is kept back.

    Attributes:
        image: float32 [N, C, S, S] in the card's unit, 0 where invalid or missing; N may be 0.
        valid: bool [N, S, S].
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
    """Sets windows aside, spread over the rasters.

    Large rasters keep some windows back, of many small ones some are kept back whole. The same
    ground is kept back in every raster that shows it.

    Args:
        rasters: To choose from; the windows come from those with the most common spectral groups.
        side: Side of a window, pixels.
        largest: Side of the largest patch that is drawn beside them, pixels.
        seed: Seed of the choice.
        most: Windows to keep at most.

    Returns:
        The rasters to draw from, which know what they must not touch, and what is kept back.
    """
    random = np.random.default_rng((seed, side))
    groups = Counter(raster.groups for raster in rasters).most_common(1)[0][0]
    order = [i for i in random.permutation(len(rasters)) if rasters[i].groups == groups]
    order = [int(i) for i in order if min(rasters[i].shape) >= side]
    chips = [i for i in order if not _roomy(rasters[i], side, largest)]
    drawn = list(rasters)
    kept: list[tuple[int, Window]] = []
    images, valids = [], []

    def keep(index: int, windows: Sequence[Window]) -> bool:
        raster = rasters[index]
        for window in windows:
            image, valid = raster.pool.get(raster.path).read(window)
            if valid.mean() >= _LEAST_VALID:
                images.append(image)
                valids.append(valid)
                kept.append((index, window))
                return True
        return False

    scenes = [i for i in order if i not in set(chips)]
    for turn in range(most):
        for index in scenes:
            area = int(np.prod(rasters[index].shape))
            if len(kept) < most and turn <= area // (_BLOCK_SHARE * max(side, largest) ** 2):
                taken = [window for i, window in kept if i == index]
                keep(index, _candidates(drawn[index], side, largest, taken, random))
    for index in chips[: min(most - len(kept), len(chips) // _CHIP_SHARE)]:
        rows, columns = rasters[index].shape
        keep(index, [Window((columns - side) // 2, (rows - side) // 2, side, side)])
    whole = {index for index, _ in kept if index in set(chips)}
    for number, raster in enumerate(rasters):
        held = _same_ground(raster, [(rasters[index], window) for index, window in kept])
        drawn[number] = dataclasses.replace(raster, held=held)
        if any((block.height, block.width) == raster.shape for block in held):
            whole.add(number)
    bands = len(rasters[0].pool.card.bands)
    return [raster for i, raster in enumerate(drawn) if i not in whole], HeldWindows(
        np.stack(images) if images else np.zeros((0, bands, side, side), np.float32),
        np.stack(valids) if valids else np.zeros((0, side, side), bool),
        groups,
        tuple((rasters[index].path, window) for index, window in kept),
    )


def _same_ground(
    raster: LazyRaster, kept: Sequence[tuple[LazyRaster, Window]]
) -> tuple[Window, ...]:
    """Where the ground of the windows lies in a raster: another date has not seen it either."""
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
    """Whether patches still fit beside a window in a corner."""
    return max(raster.shape) >= side + _ROOM * largest


def _candidates(
    raster: LazyRaster,
    side: int,
    largest: int,
    taken: Sequence[Window],
    random: np.random.Generator,
) -> list[Window]:
    """Windows of a lattice, in random order, beside which the largest patch finds room."""
    rows, columns = raster.shape
    room = _ROOM * largest
    # Corners included, also where the sides are no multiple of the window.
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

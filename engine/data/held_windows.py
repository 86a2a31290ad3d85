"""Holds out windows of imagery, so that a network is validated on ground that it never saw."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

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

"""Holding labels back so that a model is judged elsewhere than where it learned.

Neighbouring pixels are nearly copies of each other. So labels that lie close together form a block,
and a block is learned from or judged by as a whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import LabelsInvalid
from .label_fields import told_names
from .nearness import join_near

_MOST = 2000  # blocks that are chosen from; more are tied into random bundles first
_SIDE = 4  # distances along the side of a square that labels are cut into
_MOST_HELD = 0.5  # share of a class's pixels
_UNJUDGED = 1.0  # cost of a class of which nothing is held back; a wrong share costs less


@dataclass(frozen=True)
class Split:
    """What is held back.

    Attributes:
        validation: True where a pixel is held back, bool [N].
        warning: What cannot be judged and how to mend it; empty if fine.
        blocks: How many blocks there are.
        unused: True where a pixel is neither to be learned from nor judged by, as it lies between
            the two, bool [N]; None where nothing was cut.
    """

    validation: NDArray[np.bool_]
    warning: str
    blocks: int
    unused: NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class Positions:
    """Where labelled pixels, or the centres of scenes, lie.

    Attributes:
        row: Row of each [N].
        column: Column of each [N].
        unit: The polygon, point or region it is of [N]; a unit is never cut, nor are its pixels on
            several rasters.
        raster: Number of its raster [N]; rasters on the same grid, such as several dates, should
            have the same. None is one raster.
    """

    row: NDArray[Any]
    column: NDArray[Any]
    unit: NDArray[Any]
    raster: NDArray[Any] | None = None

    def __len__(self) -> int:
        """How many."""
        return len(self.row)


def spatial_blocks(at: Positions, distance: float) -> NDArray[np.int64]:
    """Number of the block of each pixel, 0..B-1 [N]; arguments as of `hold_out`."""
    group = np.unique(at.unit, return_inverse=True)[1]
    rasters = np.zeros(len(at), np.int64) if at.raster is None else at.raster
    joined = join_near(at.row, at.column, group, distance, rasters)
    return np.unique(joined[group], return_inverse=True)[1].astype(np.int64)


def hold_out(
    at: Positions,
    label: NDArray[Any],
    *,
    share: float = 0.2,
    distance: float = 16,
    seed: int = 0,
    names: Sequence[str] = (),
    cut: bool = False,
) -> Split:
    """Holds back whole blocks: as near to a share of each class as they allow.

    A class keeps at least one block to learn from, and gives one to be judged by where it can.

    Args:
        at: Where the labelled pixels lie.
        label: Class index of each, 0..K-1 [N].
        share: Wanted share of each class's pixels, 0..1.
        distance: Units with pixels closer than this, in pixels, are one block.
        seed: Decides between blocks that are as good.
        names: Names of the classes [K], for the warning.
        cut: Whether labels that cover the ground, and so are few blocks, may be cut into squares.
            What lies between is then lost, see `Split.unused`.

    Returns:
        The split. Where fewer than two classes could be judged, nothing is held back.
    """
    block = spatial_blocks(at, distance)
    blocks = int(block.max()) + 1 if len(block) else 0
    nothing = np.zeros(len(at), bool)
    if share <= 0 or not blocks:
        return Split(nothing, "", blocks)
    bundle = _bundled(blocks, np.random.default_rng(seed))[block]
    counts = _table(bundle, label, len(names))  # [bundles, K]
    held = _choose(counts, share)
    there: NDArray[np.bool_] = np.asarray(counts.any(axis=0))
    judged = counts[held].any(axis=0)
    titles = [*names, *(f"class {k + 1}" for k in range(len(names), len(there)))]
    missing = [titles[k] for k in np.flatnonzero(there & ~judged)]
    # Large blocks leave a class with next to nothing to learn from: better squares then, though some labels are lost.
    greedy = bool((counts[held].sum(axis=0) > _MOST_HELD * counts.sum(axis=0)).any())
    if cut and (judged.sum() < 2 or greedy):
        squares = _cut(at, label, share, distance, seed)
        if squares is not None and len(np.unique(label[squares.validation])) >= judged.sum():
            return squares
    if judged.sum() < 2:
        return Split(nothing, _not_judged(missing, distance), blocks)
    return Split(held[bundle], _partly_judged(missing, distance), blocks)


def _not_judged(missing: Sequence[str], distance: float) -> str:
    """Why nothing is held back, and how to mend it."""
    return (
        "No labels are held back, so the model cannot be judged: to judge at least two "
        f"classes, each needs labels in two places more than {distance:g} pixels apart, not "
        f"joined by labels between. Draw a second place for {told_names(missing)}"
        f"{' first of all' if len(missing) > 2 else ''}."
    )


def _partly_judged(missing: Sequence[str], distance: float) -> str:
    """Which classes cannot be judged, and how to mend it; empty for none."""
    if not missing:
        return ""
    return (
        f"{told_names(missing)} cannot be judged: all labels of such a class lie in one place, "
        f"closer than {distance:g} pixels to each other, or only beside labels that are needed "
        "to learn from. Draw a second place for each, further away."
    )


def spatial_folds(
    at: Positions, label: NDArray[Any], folds: int, *, distance: float = 16, seed: int = 0
) -> NDArray[np.int64]:
    """Deals whole blocks to folds so that each fold has about the same of every class.

    Args:
        at: As of `hold_out`.
        label: See there.
        folds: How many.
        distance: See there.
        seed: See there.

    Returns:
        Fold of each pixel, 0..folds-1 [N].

    Raises:
        LabelsInvalid: There are fewer blocks than folds.
    """
    block = spatial_blocks(at, distance)
    blocks = int(block.max()) + 1 if len(block) else 0
    if blocks < folds:
        raise LabelsInvalid(
            f"The labels lie in {blocks} places more than {distance:g} pixels apart, expected at "
            f"least {folds}, one for each part. Draw labels in more places, or ask for fewer parts."
        )
    bundle = _bundled(blocks, np.random.default_rng(seed))
    counts = _table(bundle[block], label)
    part = counts / np.maximum(counts.sum(axis=0), 1)  # of each class, [bundles, K]
    load = np.zeros((folds, part.shape[1]))
    fold = np.zeros(len(part), np.int64)
    for place in np.argsort(-part.sum(axis=1), kind="stable"):  # large ones first
        own = part[place] > 0
        crowded = load[:, own].sum(axis=1)
        # Of folds that lack these classes alike, the emptiest.
        fold[place] = np.lexsort((load.sum(axis=1), np.round(crowded, 12)))[0]
        load[fold[place]] += part[place]
    return fold[bundle[block]]


def _cut(
    at: Positions, label: NDArray[Any], share: float, distance: float, seed: int
) -> Split | None:
    """Holds back the inner parts of squares; None where two classes cannot be judged so either."""
    random = np.random.default_rng(seed)
    margin = max(int(np.ceil(distance)) - 1, 0)
    side = max(_SIDE * (margin + 1), 2 * _SIDE)
    down, right = at.row + random.integers(side), at.column + random.integers(side)
    places = [down // side, right // side]
    places += [] if at.raster is None else [at.raster]
    square = np.unique(np.stack(places), axis=1, return_inverse=True)[1].ravel()
    inner = np.ones(len(at), bool)
    for position in (down % side, right % side):
        inner &= (position >= margin) & (position < side - margin)
    count = int(square.max()) + 1
    bundle = _bundled(count, random)[square]
    if not inner.any():
        return None
    counts = np.zeros((int(bundle.max()) + 1, int(label.max()) + 1), np.int64)
    found = _table(bundle[inner], label[inner], counts.shape[1])
    counts[: len(found)] = found
    held = _choose(counts, share)
    if counts[held].any(axis=0).sum() < 2:
        return None
    unused = held[bundle] & ~inner
    return Split(
        held[bundle] & inner,
        f"The labels lie too close together to be held back by places more than {distance:g} "
        f"pixels apart: they were cut into squares of {side} pixels, and {int(unused.sum())} "
        "labelled pixels between those to learn from and those to judge by are not used.",
        count,
        unused,
    )


def _bundled(blocks: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Blocks in random order [blocks]; of very many, several get the same number."""
    return random.permutation(blocks) % _MOST


def _table(block: NDArray[Any], label: NDArray[Any], classes: int = 0) -> NDArray[np.int64]:
    """Pixels of each class in each block [B, K]."""
    classes = max(classes, int(label.max()) + 1)
    cells = block * classes + label.astype(np.int64)
    table = np.bincount(cells, minlength=(int(block.max()) + 1) * classes)
    return table.reshape(-1, classes)


def _choose(counts: NDArray[np.int64], share: float) -> NDArray[np.bool_]:
    """Which blocks to hold back [B]: puts in or takes out the best one until none is better."""
    totals = counts.sum(axis=0)
    there = counts > 0
    spread = there.sum(axis=0)  # blocks of each class
    part = counts / np.maximum(totals, 1)
    inside = np.zeros(len(counts), bool)
    cost = np.inf
    while True:
        held, kept = part[inside].sum(axis=0), there[~inside].sum(axis=0)
        sign = np.where(inside, -1, 1)[:, None]
        after = held + sign * part  # of each class, were this block put in or taken out, [B, K]
        off = np.where(totals > 0, (after - share) ** 2, 0)
        idle = (there[inside].sum(axis=0) + sign * there == 0) & (spread > 1)
        costs = (off + _UNJUDGED * idle).sum(axis=1)
        last = (there & (kept < 2)).any(axis=1) & ~inside
        costs[last] = np.inf
        best = int(np.argmin(costs))
        if not costs[best] < cost - 1e-12:
            return inside
        cost = costs[best]
        inside[best] = not inside[best]

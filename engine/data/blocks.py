"""Spatial blocks for validation: holds out labels at other places than those for training.

Neighbouring pixels are nearly copies of each other (spatial autocorrelation). So labels that lie
close together form a block, and a block goes to training or to validation as a whole.
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

_MOST = 2000  # blocks to choose from; more are first bundled at random
_SIDE = 4  # side of the squares that labels are cut into, in multiples of the distance
_MOST_HELD = 0.5  # largest share of a class's pixels to hold out without cutting
_UNJUDGED = 1.0  # cost of a class without validation pixels; a deviating share costs less


@dataclass(frozen=True)
class Split:
    """Which labelled pixels are held out.

    Attributes:
        validation: True where a pixel is held out, bool [N].
        warning: Which classes cannot be validated, and the remedy; empty if none.
        blocks: Number of blocks.
        unused: True where a pixel is used for neither training nor validation, as it lies in the
            margin between the two, bool [N]; None if no blocks were cut.
    """

    validation: NDArray[np.bool_]
    warning: str
    blocks: int
    unused: NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class Positions:
    """Positions of labelled pixels, or of the centres of scenes.

    Attributes:
        row: Row of each [N].
        column: Column of each [N].
        unit: Number of the polygon, point or region that it belongs to [N]; a unit is never split,
            even if its pixels lie on several rasters.
        raster: Number of its raster [N]; rasters on the same grid, such as several dates, should
            share a number. None means that there is one raster.
    """

    row: NDArray[Any]
    column: NDArray[Any]
    unit: NDArray[Any]
    raster: NDArray[Any] | None = None

    def __len__(self) -> int:
        """Number of positions."""
        return len(self.row)


def spatial_blocks(at: Positions, distance: float) -> NDArray[np.int64]:
    """Number of each pixel's block, 0..B-1 [N]; for the arguments see `hold_out`."""
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
    """Holds out whole blocks, so that the share of each class is as near as possible to `share`.

    At least one block of each class stays for training; if there are more, at least one is held out where possible.

    Args:
        at: Positions of the labelled pixels.
        label: Class index of each, 0..K-1 [N].
        share: Share of each class's pixels to hold out, 0..1.
        distance: Units with pixels closer than this form one block, pixels.
        seed: Decides between equally good blocks.
        names: Names of the classes [K], for the warning.
        cut: Whether labels may be cut into squares if they cover the ground and so form few
            blocks. Pixels in the margins are then lost, see `Split.unused`.

    Returns:
        The split. Nothing is held out if fewer than two classes could be validated.
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
    # Holding out large blocks can leave a class with next to nothing for training. Squares are better then, although
    # the labels in their margins are lost.
    greedy = bool((counts[held].sum(axis=0) > _MOST_HELD * counts.sum(axis=0)).any())
    if cut and (judged.sum() < 2 or greedy):
        squares = _cut(at, label, share, distance, seed)
        if squares is not None and len(np.unique(label[squares.validation])) >= judged.sum():
            return squares
    if judged.sum() < 2:
        return Split(nothing, _not_judged(missing, distance), blocks)
    return Split(held[bundle], _partly_judged(missing, distance), blocks)


def _not_judged(missing: Sequence[str], distance: float) -> str:
    """Why nothing is held out, and the remedy."""
    return (
        "No labels could be held back, so the accuracy of the model cannot be assessed. At least two classes must "
        f"each be labelled in two places that are more than {distance:g} pixels apart and not connected by other "
        f"labels. Label a second place for {told_names(missing)}{' first of all' if len(missing) > 2 else ''}."
    )


def _partly_judged(missing: Sequence[str], distance: float) -> str:
    """Which classes cannot be validated, and the remedy; empty for none."""
    if not missing:
        return ""
    return (
        f"The accuracy of these classes cannot be assessed: {told_names(missing)}. All labels of each of them lie in "
        f"one place (closer than {distance:g} pixels to each other) or only next to labels that are needed for "
        "training. Label a second place for each class, further away."
    )


def spatial_folds(
    at: Positions, label: NDArray[Any], folds: int, *, distance: float = 16, seed: int = 0
) -> NDArray[np.int64]:
    """Assigns whole blocks to folds for cross-validation, so that classes are spread evenly over the folds.

    Args:
        at: Positions of the labelled pixels.
        label: Class index of each, 0..K-1 [N].
        folds: Number of folds.
        distance: Units with pixels closer than this form one block, pixels.
        seed: Decides between equally good blocks.

    Returns:
        Fold of each pixel, 0..folds-1 [N].

    Raises:
        LabelsInvalid: There are fewer blocks than folds.
    """
    block = spatial_blocks(at, distance)
    blocks = int(block.max()) + 1 if len(block) else 0
    if blocks < folds:
        raise LabelsInvalid(
            f"The labels lie in {blocks} separate places (more than {distance:g} pixels apart), but at least {folds} "
            "are needed, one for each part. Label more places, or use fewer parts."
        )
    bundle = _bundled(blocks, np.random.default_rng(seed))
    counts = _table(bundle[block], label)
    part = counts / np.maximum(counts.sum(axis=0), 1)  # share of each class, [bundles, K]
    load = np.zeros((folds, part.shape[1]))
    fold = np.zeros(len(part), np.int64)
    for place in np.argsort(-part.sum(axis=1), kind="stable"):  # large ones first
        own = part[place] > 0
        crowded = load[:, own].sum(axis=1)
        # Among folds that hold equally little of these classes, take the emptiest.
        fold[place] = np.lexsort((load.sum(axis=1), np.round(crowded, 12)))[0]
        load[fold[place]] += part[place]
    return fold[bundle[block]]


def _cut(
    at: Positions, label: NDArray[Any], share: float, distance: float, seed: int
) -> Split | None:
    """Holds out the inner parts of squares; None if fewer than two classes can be validated that way."""
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
        f"The labels lie too close together to hold back whole places more than {distance:g} pixels apart. They were "
        f"divided into squares of {side} pixels instead, and {int(unused.sum())} labelled pixels between the training "
        "and the validation squares are not used.",
        count,
        unused,
    )


def _bundled(blocks: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Random number of each block's bundle [blocks]; distinct for up to `_MOST` blocks."""
    return random.permutation(blocks) % _MOST


def _table(block: NDArray[Any], label: NDArray[Any], classes: int = 0) -> NDArray[np.int64]:
    """Pixels of each class in each block [B, K]."""
    classes = max(classes, int(label.max()) + 1)
    cells = block * classes + label.astype(np.int64)
    table = np.bincount(cells, minlength=(int(block.max()) + 1) * classes)
    return table.reshape(-1, classes)


def _choose(counts: NDArray[np.int64], share: float) -> NDArray[np.bool_]:
    """Chooses the blocks to hold out [B] by greedy search: adds or removes the best one until nothing improves."""
    totals = counts.sum(axis=0)
    there = counts > 0
    spread = there.sum(axis=0)  # blocks of each class
    part = counts / np.maximum(totals, 1)
    inside = np.zeros(len(counts), bool)
    cost = np.inf
    while True:
        held, kept = part[inside].sum(axis=0), there[~inside].sum(axis=0)
        sign = np.where(inside, -1, 1)[:, None]
        after = held + sign * part  # held-out shares if this block were toggled, [B, K]
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

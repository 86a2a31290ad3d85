"""Self-training: unlabelled pixels, under the labels that a head gives them, as further examples.

A few polygons show a class at one place; elsewhere in the same image it looks a little different. A head
fitted to the polygons is right about most other pixels, and when it is fitted to these as well, it is right
about more (Scudder 1965, Yarowsky 1995). A head that is to work on other dates too is less often right within
the image; so it learns from a teacher, which is fitted to this image alone and has trained itself on pixels
from all over it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from .labelled_ground import UNLABELLED, LabelledGround, only
from .linear_scores import LinearScores
from .pixel_features import PixelSamples

PIXELS = 3000  # unlabelled pixels of all rasters together
WINDOWS = 20  # windows that they are taken from, about two processor seconds; more were not tried
# Share of the pixels given each class that is used, the surest ones; the others lie near the decision boundary and
# would only confirm it.
SURE = 0.6
# Pixels to add to a class, relative to its labelled ones. With all sure pixels they outweigh the labels: land cover
# of TerraMesh lost .014 instead of .004, and the village gained no more.
SHARE = 0.2
# Positions that are drawn to find windows, in rasters of up to `_SMALL` pixels. In larger ones they would be too
# sparse, so they are drawn in random squares.
_DRAWN, _SMALL = 20_000, 1_000_000


@dataclass(frozen=True)
class Unlabelled:
    """Features of unlabelled pixels.

    Attributes:
        around: Those added by `with_neighbours`, with as many copies as labelled pixels have
            [copies + 1, M, F]; or None.
        anywhere: Those of `unlabelled_grounds`, without copies [1, M, F]; or None.
    """

    around: NDArray[np.float32] | None = None
    anywhere: NDArray[np.float32] | None = None


def unlabelled_grounds(
    grounds: Sequence[LabelledGround], size: int, seed: int
) -> list[LabelledGround]:
    """The same rasters with randomly drawn pixels in place of their labels, in a few windows of each.

    Args:
        grounds: Rasters with labels.
        size: Side of the model's windows, pixels.
        seed: Seed of the draw.

    Returns:
        Grounds with `PIXELS` pixels in all, fewer in small rasters. Their labels are meaningless.
    """
    windows = max(1, WINDOWS // len(grounds))
    each = max(1, PIXELS // (windows * len(grounds)))
    return [
        _drawn(ground, size, windows, each, np.random.default_rng((seed, number)))
        for number, ground in enumerate(grounds)
    ]


def with_neighbours(
    grounds: Sequence[LabelledGround], size: int, seed: int
) -> list[LabelledGround]:
    """The same rasters with unlabelled pixels added from the windows that hold labelled ones.

    As these windows are computed anyway, the added pixels cost next to nothing, under every light.

    Args:
        grounds: Rasters with labels.
        size: Side of the model's windows, pixels.
        seed: Seed of the draw.

    Returns:
        Grounds with about `PIXELS` more pixels in all, labelled `UNLABELLED`; fewer if windows are few or small.
    """
    count = sum(1 for ground in grounds for _ in ground.windows(size))
    each = max(1, PIXELS // max(1, count))
    return [
        _with_neighbours(ground, size, each, np.random.default_rng((seed, number)))
        for number, ground in enumerate(grounds)
    ]


def _with_neighbours(
    ground: LabelledGround, size: int, each: int, generator: np.random.Generator
) -> LabelledGround:
    height, width = ground.shape
    corners = [(at.row_off, at.col_off) for at, _ in ground.windows(size)]
    served = set(corners)
    top, left = np.array(corners, np.int64).reshape(-1, 2, 1).transpose(1, 0, 2)
    # Draw twice as many, as some are nearer to another window and are dropped below.
    row = top + generator.integers(0, min(size, height), (len(corners), 2 * each))
    column = left + generator.integers(0, min(size, width), (len(corners), 2 * each))
    labelled = ground.pixels.row * width + ground.pixels.column
    drawn = _at(ground, np.setdiff1d(row * width + column, labelled), UNLABELLED)
    parts = [
        generator.permutation(part)[:each]
        for at, part in drawn.windows(size)
        if (at.row_off, at.col_off) in served
    ]
    if not parts:
        return ground
    sources = (ground.pixels, only(drawn.pixels, np.concatenate(parts)))
    together = replace(
        ground.pixels,
        row=np.concatenate([source.row for source in sources]),
        column=np.concatenate([source.column for source in sources]),
        label=np.concatenate([source.label for source in sources]),
        unit=np.concatenate([source.unit for source in sources]),
    )
    order = np.lexsort((together.column, together.row))
    return replace(ground, pixels=only(together, order))


def without_neighbours(samples: PixelSamples) -> tuple[PixelSamples, NDArray[np.float32]]:
    """Labelled samples alone, and the features [copies, M, F] of those that `with_neighbours` added."""
    labelled = samples.label != UNLABELLED
    of_each = {
        field.name: getattr(samples, field.name)[labelled]
        for field in fields(samples)
        if field.name != "features"
    }
    kept = PixelSamples(features=samples.features[:, labelled], **of_each)
    return kept, samples.features[:, ~labelled]


def _at(ground: LabelledGround, position: NDArray[np.int64], label: int) -> LabelledGround:
    """The ground with one label at given positions (row * width + column) in place of its own labels."""
    row, column = np.divmod(np.sort(position), ground.shape[1])
    pixels = replace(
        ground.pixels,
        row=row.astype(np.int64),
        column=column.astype(np.int64),
        label=np.full(len(row), label, np.uint8),
        unit=np.zeros(len(row), np.int32),
    )
    return replace(ground, pixels=pixels)


def _drawn(
    ground: LabelledGround, size: int, windows: int, each: int, generator: np.random.Generator
) -> LabelledGround:
    height, width = ground.shape
    if height * width <= _SMALL:
        found = generator.choice(height * width, min(_DRAWN, height * width), replace=False)
    else:
        side = size // 2
        top, left = (
            generator.integers(0, max(1, length - side + 1), (windows, 1))
            for length in ground.shape
        )
        down, across = (
            generator.integers(0, min(side, length), (windows, 6 * each)) for length in ground.shape
        )
        found = np.unique((top + down) * width + left + across)
    drawn = _at(ground, found, 0)
    parts = [part for _, part in drawn.windows(size)]
    taken = generator.permutation(len(parts))[:windows]
    # With fewer windows, take more pixels of each.
    each = each * windows // len(taken)
    chosen = np.concatenate([generator.permutation(parts[k])[:each] for k in taken])
    return replace(ground, pixels=only(drawn.pixels, np.sort(chosen)))


def with_surest(
    samples: PixelSamples,
    chosen: NDArray[np.bool_],
    unlabelled: NDArray[np.float32],
    scores: LinearScores,
    share: float = SHARE,
) -> tuple[PixelSamples, NDArray[np.bool_]]:
    """Adds unlabelled pixels to samples, under the labels that a head gives them.

    Args:
        samples: Labelled pixels.
        chosen: Those to learn from [N].
        unlabelled: Features of other pixels [copies, M, F]; the first copy is the image as it is.
        scores: The head; it labels by the first copy.
        share: How many to add to a class, relative to its labelled pixels.

    Returns:
        The samples, and which of them to learn from. The new pixels of a class count as one polygon, and the
        samples have as many copies as both inputs have.
    """
    found = scores(unlabelled[0].astype(np.float64))  # [M, K]
    ordered = np.sort(found, 1)
    label, margin = found.argmax(1), ordered[:, -1] - ordered[:, -2]
    generator = np.random.default_rng(0)
    taken = []
    for value in np.unique(label):
        members = np.flatnonzero(label == value)
        surest = members[np.argsort(-margin[members], kind="stable")]
        surest = surest[: max(1, int(SURE * len(surest)))]
        most = max(1, int(share * (samples.label[chosen] == value).sum()))
        taken.append(generator.permutation(surest)[:most])
    kept = np.sort(np.concatenate(taken))
    copies = min(len(samples.features), len(unlabelled))
    new, nowhere = label[kept], np.zeros(len(kept), np.int64)
    together = PixelSamples(
        np.concatenate([samples.features[:copies], unlabelled[:copies, kept]], 1),
        np.concatenate([samples.label, new]),
        np.concatenate([samples.row, nowhere]),
        np.concatenate([samples.column, nowhere]),
        np.concatenate([samples.unit, samples.unit.max() + 1 + new]),
        np.concatenate([samples.place, nowhere]),
    )
    return together, np.concatenate([chosen, np.ones(len(kept), bool)])

"""Labelled ground: a raster, or two dates, that is read as a model's inputs, with its labelled pixels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from ..data.blocks import Positions
from ..data.label_layer import LabelledPixels
from ..infer.model_inputs import Read

UNLABELLED = 255  # in place of a class index: an unlabelled pixel among the labelled ones


@dataclass(frozen=True)
class LabelledGround:
    """A raster, or two dates of one place, with labelled pixels.

    Attributes:
        read: Returns a window's inputs by the names of the prediction contract, without the batch
            dimension, and its valid pixels, bool [h, w]; the window may extend beyond the raster.
        shape: Rows and columns.
        pixels: Labelled pixels, valid or not.
        place: Number of the grid; grounds on the same grid share it.
    """

    read: Read
    shape: tuple[int, int]
    pixels: LabelledPixels
    place: int = 0

    def windows(self, size: int) -> Iterator[tuple[Window, NDArray[np.int64]]]:
        """Windows with labelled pixels, each with the indices of the pixels for which it is the nearest window.

        Windows are placed as in inference: they overlap by a quarter, and the last one is shifted inward.
        """
        tops = _starts(self.shape[0], size)
        lefts = _starts(self.shape[1], size)
        row = _nearest(tops + size / 2, self.pixels.row + 0.5)
        column = _nearest(lefts + size / 2, self.pixels.column + 0.5)
        which = row * len(lefts) + column
        order = np.argsort(which, kind="stable")
        for part in np.split(order, np.flatnonzero(np.diff(which[order])) + 1):
            if len(part):
                top, left = tops[row[part[0]]], lefts[column[part[0]]]
                yield Window(int(left), int(top), size, size), part

    def on_data(self, size: int) -> LabelledGround:
        """The ground with only its valid labelled pixels; reads windows of the given size."""
        valid = np.zeros(len(self.pixels), bool)
        for window, part in self.windows(size):
            row, column = self.pixels.row[part], self.pixels.column[part]
            valid[part] = self.read(window)[1][row - window.row_off, column - window.col_off]
        return replace(self, pixels=only(self.pixels, valid))


def positions_of(grounds: Sequence[LabelledGround]) -> Positions:
    """Positions of the labelled pixels of several grounds, concatenated."""
    sizes = [len(ground.pixels) for ground in grounds]
    return Positions(
        np.concatenate([ground.pixels.row for ground in grounds]),
        np.concatenate([ground.pixels.column for ground in grounds]),
        np.concatenate([ground.pixels.unit for ground in grounds]),
        np.repeat([ground.place for ground in grounds], sizes),
    )


def thin(pixels: LabelledPixels, most: int, seed: int) -> LabelledPixels:
    """Samples pixels: small classes are kept whole, and the polygons of a class contribute equally.

    Args:
        pixels: Pixels to choose from.
        most: Maximal number of pixels.
        seed: Seed of the choice.
    """
    if len(pixels) <= most:
        return pixels
    return only(pixels, _choose(pixels.label, pixels.unit, most, seed))


def thin_grounds(grounds: Sequence[LabelledGround], most: int, seed: int) -> list[LabelledGround]:
    """Samples the pixels of several grounds jointly, so that classes that occur in few of them are kept too."""
    if sum(len(ground.pixels) for ground in grounds) <= most:
        return list(grounds)
    number = np.repeat(np.arange(len(grounds)), [len(ground.pixels) for ground in grounds])
    label = np.concatenate([ground.pixels.label for ground in grounds])
    unit = np.concatenate([ground.pixels.unit for ground in grounds])
    kept = np.zeros(len(label), bool)
    kept[_choose(label, unit, most, seed)] = True
    thinned = [
        replace(ground, pixels=only(ground.pixels, kept[number == k]))
        for k, ground in enumerate(grounds)
    ]
    return [ground for ground in thinned if len(ground.pixels)]


def only(pixels: LabelledPixels, chosen: NDArray[np.integer] | NDArray[np.bool_]) -> LabelledPixels:
    """Selects pixels by indices or a mask."""
    return replace(
        pixels,
        row=pixels.row[chosen],
        column=pixels.column[chosen],
        label=pixels.label[chosen],
        unit=pixels.unit[chosen],
    )


def _choose(
    label: NDArray[np.integer], unit: NDArray[np.integer], most: int, seed: int
) -> NDArray[np.int64]:
    """Ascending indices of at most `most` pixels."""
    random = np.random.default_rng(seed)
    kept: list[NDArray[np.int64]] = []
    left = most
    labels, counts = np.unique(label, return_counts=True)
    for number, value in enumerate(labels[np.argsort(counts, kind="stable")]):
        mine = np.flatnonzero(label == value)
        share = min(len(mine), left // (len(labels) - number))
        left -= share
        shuffled = random.permutation(mine)
        # The n-th pixel of every unit comes before the (n + 1)-th of any, so units contribute equally.
        kept.append(shuffled[np.argsort(_rank(unit[shuffled]), kind="stable")[:share]])
    return np.sort(np.concatenate(kept))


def _starts(length: int, size: int) -> NDArray[np.int64]:
    if length <= size:
        return np.zeros(1, np.int64)
    step = size - size // 4
    return np.unique(np.minimum(np.arange(0, length - size + step, step), length - size))


def _nearest(
    centres: NDArray[np.floating[Any]], values: NDArray[np.floating[Any]]
) -> NDArray[np.int64]:
    between = (centres[1:] + centres[:-1]) / 2
    return np.searchsorted(between, values).astype(np.int64)


def _rank(values: NDArray[np.generic]) -> NDArray[np.int64]:
    """The number of equal values before each value."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    first = np.r_[0, np.flatnonzero(ordered[1:] != ordered[:-1]) + 1]
    lengths = np.diff(np.r_[first, len(values)])
    rank = np.empty(len(values), np.int64)
    rank[order] = np.arange(len(values)) - np.repeat(first, lengths)
    return rank

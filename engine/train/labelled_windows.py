"""Batches of windows with sparse labels, for training more than a head."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rasterio.windows import Window
from torch import Tensor

from ..data.augmentation import dihedral, resize_image, resize_label, resize_valid
from ..infer.scene import Feeds
from .labelled_ground import LabelledGround
from .light import Light, draw_changes, relight
from .supervised import IGNORE

_IMAGES = ("image", "before", "after")


class LabelledWindows:
    """Random windows around labelled pixels: a loader for the trainer.

    Every class is drawn alike, and every polygon of a class. What an epoch holds depends on the
    seed and its number alone.
    """

    def __init__(
        self,
        grounds: Sequence[LabelledGround],
        size: int,
        batch: int,
        steps: int,
        light: Light,
        *,
        scale: tuple[float, float] = (0.4, 1.0),
        seed: int = 0,
    ) -> None:
        """Prepares the draw.

        Args:
            grounds: Rasters with the labels to learn from; all with the same spectral groups.
            size: Side of the windows, pixels.
            batch: Windows a batch.
            steps: Batches an epoch.
            light: How strongly the light is changed, in half of the windows.
            scale: Smallest and largest share of the window's area that is cut and enlarged.
            seed: Seed of the draw.
        """
        self._grounds, self._size, self._batch, self._steps = grounds, size, batch, steps
        self._light, self._scale, self._seed, self._epoch = light, scale, seed, 0
        where = [
            np.stack(
                [np.full(len(g.pixels), n), np.arange(len(g.pixels)), g.pixels.label, g.pixels.unit]
            )
            for n, g in enumerate(grounds)
        ]
        table = np.concatenate(where, 1).astype(np.int64)  # [4, N]
        self._pixels = table[:2]
        self._by_class: list[list[NDArray[np.int64]]] = []
        for label in np.unique(table[2]):
            mine = np.flatnonzero(table[2] == label)
            key = table[0, mine] * (table[3].max() + 1) + table[3, mine]
            order = np.argsort(key, kind="stable")
            cuts = np.flatnonzero(np.diff(key[order])) + 1
            self._by_class.append(np.split(mine[order], cuts))

    def set_epoch(self, epoch: int) -> None:
        """Says which epoch is drawn next."""
        self._epoch = epoch

    def __len__(self) -> int:
        """Batches an epoch."""
        return self._steps

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        """Yields the inputs of the prediction contract, and label int64 [B, S, S]."""
        random = np.random.default_rng((self._seed, self._epoch))
        for _ in range(self._steps):
            yield collate([self._draw(random) for _ in range(self._batch)])

    def _draw(self, generator: np.random.Generator) -> dict[str, Any]:
        ground, window = self._at_labels(generator)
        feeds, label = read_labelled(ground, window)
        if generator.integers(2):
            feeds = relight(feeds, draw_changes(feeds, self._light, generator))
        return prepare(feeds, label, self._size, int(generator.integers(8)))

    def _at_labels(self, generator: np.random.Generator) -> tuple[LabelledGround, Window]:
        """A window around one labelled pixel."""
        units = self._by_class[generator.integers(len(self._by_class))]
        unit = units[generator.integers(len(units))]
        number, pixel = self._pixels[:, unit[generator.integers(len(unit))]]
        ground = self._grounds[number]
        side = max(8, round(self._size * float(generator.uniform(*self._scale)) ** 0.5))
        top = _start(ground.pixels.row[pixel], ground.shape[0], side, generator)
        left = _start(ground.pixels.column[pixel], ground.shape[1], side, generator)
        return ground, Window(left, top, side, side)


class WholeWindows:
    """The windows that inference would lay over labelled pixels, for judging."""

    def __init__(self, grounds: Sequence[LabelledGround], size: int, batch: int) -> None:
        """Keeps where they are."""
        self._work = [(g, window) for g in grounds for window, _ in g.windows(size)]
        self._size, self._batch = size, batch

    def __len__(self) -> int:
        """Batches."""
        return -(-len(self._work) // self._batch)

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        """Yields the inputs of the prediction contract, and label int64 [B, S, S]."""
        for start in range(0, len(self._work), self._batch):
            items = [read_labelled(*item) for item in self._work[start : start + self._batch]]
            yield collate([prepare(feeds, label, self._size, 0) for feeds, label in items])


def read_labelled(ground: LabelledGround, window: Window) -> tuple[Feeds, NDArray[np.int64]]:
    """Inputs of a window, and its labels [h, w] with `IGNORE` where unknown or invalid."""
    feeds, valid = ground.read(window)
    pixels = ground.pixels
    label = np.full(valid.shape, IGNORE, np.int64)
    low = np.searchsorted(pixels.row, window.row_off)
    high = np.searchsorted(pixels.row, window.row_off + window.height)
    row = pixels.row[low:high] - int(window.row_off)
    column = pixels.column[low:high] - int(window.col_off)
    inside = (column >= 0) & (column < int(window.width))
    label[row[inside], column[inside]] = pixels.label[low:high][inside]
    label[~valid] = IGNORE
    return feeds, label


def prepare(feeds: Feeds, label: NDArray[np.int64], size: int, element: int) -> dict[str, Any]:
    """A window as tensors of one size and orientation."""
    valid = resize_valid(torch.from_numpy(feeds["valid"][0] > 0), size)
    made: dict[str, Any] = {"valid": dihedral(valid, element)[None].float()}  # [1, S, S]
    for name in _IMAGES:
        if name in feeds:
            image = resize_image(torch.from_numpy(np.ascontiguousarray(feeds[name])), size) * valid
            made[name] = dihedral(image, element).contiguous()  # [C, S, S]
    made["label"] = dihedral(resize_label(torch.from_numpy(label), size), element)
    if "groups" in feeds:
        made["groups"] = torch.from_numpy(feeds["groups"])
    return made


def collate(items: Sequence[dict[str, Any]]) -> dict[str, Tensor]:
    """A batch; the groups are the same in all."""
    batch = {
        name: torch.stack([item[name] for item in items]) for name in items[0] if name != "groups"
    }
    if "groups" in items[0]:
        batch["groups"] = items[0]["groups"]
    return batch


def _start(place: int, length: int, side: int, random: np.random.Generator) -> int:
    """Start of a window that holds a place, inside the raster where it fits."""
    low, high = max(0, int(place) - side + 1), min(int(place), max(0, length - side))
    return int(random.integers(low, high + 1)) if high >= low else low

"""Batches of windows with sparse labels, for training an encoder together with its head."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rasterio.windows import Window
from torch import Tensor

from ..data.augmentation import dihedral, resize_image, resize_label, resize_valid
from ..infer.model_inputs import Feeds
from .labelled_ground import LabelledGround
from .light import Light, draw_changes, relight
from .supervised import IGNORE

_IMAGES = ("image", "before", "after")


class LabelledWindows:
    """A loader for the trainer: random windows around labelled pixels.

    Classes are equally likely to be drawn, and so are the polygons of a class. The windows of an
    epoch depend only on the seed and the epoch's number.
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
        """Prepares the drawing of windows.

        Args:
            grounds: Rasters with the training labels; all with the same spectral groups.
            size: Side of the windows, pixels.
            batch: Windows per batch.
            steps: Batches per epoch.
            light: How strongly light is changed, in half of the windows.
            scale: Smallest and largest share of the window's area that is cut and enlarged.
            seed: Seed of the random generator.
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
        """Sets the epoch to draw next."""
        self._epoch = epoch

    def __len__(self) -> int:
        """Number of batches per epoch."""
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
        """Draws a window around a labelled pixel."""
        units = self._by_class[generator.integers(len(self._by_class))]
        unit = units[generator.integers(len(units))]
        number, pixel = self._pixels[:, unit[generator.integers(len(unit))]]
        ground = self._grounds[number]
        side = max(8, round(self._size * float(generator.uniform(*self._scale)) ** 0.5))
        top = _start(ground.pixels.row[pixel], ground.shape[0], side, generator)
        left = _start(ground.pixels.column[pixel], ground.shape[1], side, generator)
        return ground, Window(left, top, side, side)


class WholeWindows:
    """A loader for evaluation: the windows that inference would use, where they contain labelled pixels."""

    def __init__(self, grounds: Sequence[LabelledGround], size: int, batch: int) -> None:
        """Finds the windows of a size; they are read by iteration."""
        self._work = [(g, window) for g in grounds for window, _ in g.windows(size)]
        self._size, self._batch = size, batch

    def __len__(self) -> int:
        """Number of batches."""
        return -(-len(self._work) // self._batch)

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        """Yields the inputs of the prediction contract, and label int64 [B, S, S]."""
        for start in range(0, len(self._work), self._batch):
            items = [read_labelled(*item) for item in self._work[start : start + self._batch]]
            yield collate([prepare(feeds, label, self._size, 0) for feeds, label in items])


def read_labelled(ground: LabelledGround, window: Window) -> tuple[Feeds, NDArray[np.int64]]:
    """Reads a window's inputs, and its labels [h, w] with `IGNORE` where unknown or invalid."""
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
    """Converts a window to tensors of a given size and orientation (see `dihedral`)."""
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
    """Stacks windows into a batch; their groups must be the same."""
    batch = {
        name: torch.stack([item[name] for item in items]) for name in items[0] if name != "groups"
    }
    if "groups" in items[0]:
        batch["groups"] = items[0]["groups"]
    return batch


def _start(place: int, length: int, side: int, random: np.random.Generator) -> int:
    """Draws the start of a window that contains a place, inside the raster if it fits."""
    low, high = max(0, int(place) - side + 1), min(int(place), max(0, length - side))
    return int(random.integers(low, high + 1)) if high >= low else low

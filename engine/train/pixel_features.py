"""Computes the features of labelled pixels once, so that heads can be fitted without running the encoder again."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rasterio.windows import Window
from torch import Tensor
from torch.nn import functional as F

from ..cards import Card
from ..data.augmentation import dihedral
from ..data.blocks import Positions
from ..errors import EmptyArea, LabelsInvalid
from ..infer.lanes import in_order
from ..infer.model_inputs import Feeds
from ..model.predictor import Predictor
from ..model.tuned_change import TunedChange
from ..model.tuned_segmentation import TunedSegmentation
from ..progress import Progress
from .kept_maps import KeptMaps
from .kept_tokens import KeptTokens, remembering
from .labelled_ground import UNLABELLED, LabelledGround
from .light import Light, LightChange, draw_changes, relight

LANES = 8  # most windows at a time, as each needs memory


@dataclass(frozen=True)
class PixelSamples:
    """Features of the labelled pixels of all grounds.

    Attributes:
        features: Features, float32 [copies, N, F]; the first copy is the unchanged image.
        label: Class index, int64 [N].
        row: Row in its ground [N].
        column: Column in its ground [N].
        unit: Number of the pixel's polygon, point or region [N].
        place: Number of the ground's place [N].
    """

    features: NDArray[np.float32]
    label: NDArray[np.int64]
    row: NDArray[np.int64]
    column: NDArray[np.int64]
    unit: NDArray[np.int64]
    place: NDArray[np.int64]

    @property
    def positions(self) -> Positions:
        """Positions of the pixels."""
        return Positions(self.row, self.column, self.unit, self.place)


@dataclass(frozen=True)
class _LabelledWindow:
    """A window with labels, and its augmented views.

    Attributes:
        ground: The ground that the window was cut from.
        indices: Indices of the ground's valid pixels that are assigned to this window [n].
        feeds: Inputs of the prediction contract.
        row: Row of each pixel in the window [n].
        column: Column of each pixel in the window [n].
        views: For each view the changes of light by input, and the number of its symmetry; the first is unchanged.
        number: Number of the window among those of all grounds.
        position: The window of the ground.
    """

    ground: LabelledGround
    indices: NDArray[np.int64]
    feeds: Feeds
    row: NDArray[np.int64]
    column: NDArray[np.int64]
    views: Sequence[tuple[Mapping[str, LightChange], int]]
    number: int
    position: Window

    def columns(self) -> NDArray[np.int64]:
        """The fields of `PixelSamples` besides features, in its order [5, n]."""
        pixels, indices = self.ground.pixels, self.indices
        return np.stack(
            [
                pixels.label[indices].astype(np.int64),
                pixels.row[indices],
                pixels.column[indices],
                pixels.unit[indices].astype(np.int64),
                np.full(len(indices), self.ground.place),
            ]
        )


def extract(
    predictor: Predictor,
    grounds: Sequence[LabelledGround],
    *,
    copies: int,
    light: Light,
    seed: int,
    device: torch.device | None = None,
    kept: KeptTokens | None = None,
    maps: KeptMaps | None = None,
    every_class: bool = True,
    progress: Progress | None = None,
) -> PixelSamples:
    """Computes the features of every labelled, valid pixel.

    The views of a window depend only on the seed and its position, not on the other labels.

    Args:
        predictor: Predictor of a network with `features`; its encoder is not trained here.
        grounds: Rasters with their labels.
        copies: Number of augmented views, rotated or mirrored and under another light.
        light: Strength of the changes of light.
        seed: Seed of the augmented views.
        device: Device to compute on.
        kept: Cache of tokens, used on the processor; None to compute all.
        maps: Keeps the features of some whole windows; None if they are not needed.
        every_class: Whether each class of the card must have a valid pixel.
        progress: Takes the progress; a cancel takes effect at each window.

    Raises:
        EmptyArea: No labelled pixel is valid.
        LabelsInvalid: A class has no valid pixel, and `every_class` is set.
    """
    device = device or torch.device("cpu")
    predictor.to(device).eval()
    progress = progress or Progress()
    # A GPU is fully used by one window. On a processor each thread takes a window of its own, as threads that share one
    # wait for each other at every operation (ten times as long if another program keeps a core busy).
    on_processor = device.type == "cpu"
    size = predictor.card.window
    count = sum(1 for ground in grounds for _ in ground.windows(size))
    lanes = max(1, min(torch.get_num_threads(), LANES, count)) if on_processor else 1
    features: list[NDArray[np.float32]] = []
    columns: list[NDArray[np.int64]] = []

    def compute(window: _LabelledWindow) -> NDArray[np.float32]:
        wanted = maps is not None and maps.wants(window.number, count)
        return _features(predictor, window, device, maps if wanted else None)

    encoder = tuned_network(predictor).encoder
    with _threads_for(lanes), remembering(encoder, kept if on_processor else None):
        windows = _labelled_windows(grounds, size, copies, light, seed)
        for number, (window, found) in enumerate(in_order(windows, compute, lanes)):
            progress.update(number / count, "Computing features")
            features.append(found)
            columns.append(window.columns())
    if not features:
        raise EmptyArea(
            "All labelled pixels are no-data in the rasters. Draw labels where the raster has valid pixels, or check "
            "its no-data value."
        )
    samples = PixelSamples(np.concatenate(features, 1), *np.concatenate(columns, 1))
    if every_class:
        _check_classes(samples, predictor.card)
    return samples


def _check_classes(samples: PixelSamples, card: Card) -> None:
    """Refuses samples in which a class is missing."""
    seen = np.bincount(samples.label, minlength=len(card.classes))
    missing = [item.title for item, count in zip(card.classes, seen) if not count]
    if missing:
        raise LabelsInvalid(
            f"All pixels labelled as {', '.join(missing[:5])} are no-data in the rasters. Draw some where the raster "
            "has valid pixels, or leave out the class."
        )


def batch_inputs(
    predictor: Predictor, feeds: Sequence[Feeds], device: torch.device
) -> tuple[Tensor, ...]:
    """Inputs of a predictor in its order, from the feeds of windows with the same groups."""
    inputs = []
    for name in predictor.input_names:
        if name == "groups":
            inputs.append(torch.from_numpy(feeds[0]["groups"]).to(device))
        else:
            stack = np.stack([item[name] for item in feeds]).astype(np.float32)
            inputs.append(torch.from_numpy(stack).to(device))
    return tuple(inputs)


def _labelled_windows(
    grounds: Sequence[LabelledGround], size: int, copies: int, light: Light, seed: int
) -> Iterator[_LabelledWindow]:
    """Yields every window that holds valid labelled pixels, with its views."""
    index = itertools.count()
    for number, ground in enumerate(grounds):
        for window, indices in ground.windows(size):
            at = next(index)
            feeds, valid = ground.read(window)
            row = ground.pixels.row[indices] - window.row_off
            column = ground.pixels.column[indices] - window.col_off
            known = valid[row, column]
            if not (known & (ground.pixels.label[indices] != UNLABELLED)).any():
                continue
            generator = np.random.default_rng((seed, number, window.row_off, window.col_off))
            views: list[tuple[Mapping[str, LightChange], int]] = [({}, 0)]
            changes: dict[str, LightChange] = {}
            for copy in range(copies):
                # Haze shifts all bands together, so a few draws do not average out; pairs of opposites do.
                if light.haze and copy % 2:
                    changes = {name: change.opposite() for name, change in changes.items()}
                else:
                    changes = draw_changes(feeds, light, generator)
                views.append((changes, int(generator.integers(8))))
            here = (indices[known], feeds, row[known], column[known])
            yield _LabelledWindow(ground, *here, views, at, window)


@torch.no_grad()
def _features(
    predictor: Predictor, window: _LabelledWindow, device: torch.device, maps: KeptMaps | None
) -> NDArray[np.float32]:
    """Features [views, n, F] of a window's labelled pixels; `maps` takes those of the whole unchanged window."""
    found: list[Tensor] = []
    for changes, element in window.views:
        inputs = [
            dihedral(value, element).contiguous() if value.ndim == 4 else value
            for value in batch_inputs(predictor, [relight(window.feeds, changes)], device)
        ]
        arguments: dict[str, Any] = predictor.arguments(*inputs)
        fine, coarse = tuned_network(predictor).describe(**arguments)
        if maps is not None and not found:
            maps.keep(window.number, window.ground, window.position, fine, coarse)
        height, width = fine.shape[2:]
        # Positions of the pixels in the transformed window.
        place = torch.arange(height * width).reshape(1, height, width)
        where = turn_back(place, element)[0][window.row, window.column].to(device)
        found.append(
            torch.cat([fine[0].flatten(1)[:, where], _enlarged(coarse, where, height, width)]).T
        )
    return torch.stack(found).float().cpu().numpy()


def _enlarged(coarse: Tensor, where: Tensor, height: int, width: int) -> Tensor:
    """Values [D, n] of some pixels of a map [1, D, h, w] enlarged to height x width, as by `interpolate`."""
    down = (2 * torch.div(where, width, rounding_mode="floor") + 1) / height - 1
    across = (2 * (where % width) + 1) / width - 1
    grid = torch.stack([across, down], 1)[None, None].to(coarse.dtype)  # [1, 1, n, 2]
    found: Tensor = F.grid_sample(
        coarse, grid, mode="bilinear", padding_mode="border", align_corners=False
    )
    return found[0, :, 0]


@contextmanager
def _threads_for(lanes: int) -> Iterator[None]:
    """Divides torch's threads among lanes within this context."""
    threads = torch.get_num_threads()
    torch.set_num_threads(max(1, threads // lanes))
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def tuned_network(predictor: Predictor) -> TunedSegmentation | TunedChange:
    """The network of a predictor whose pixels have features.

    Raises:
        TypeError: The network has no features of pixels.
    """
    network = predictor.network
    if not isinstance(network, (TunedSegmentation, TunedChange)):
        raise TypeError(f"{type(network).__name__} has no features of pixels.")
    return network


def turn_back(values: Tensor, element: int) -> Tensor:
    """Inverts `dihedral`: mirrors first, then rotates back."""
    mirrored = values.flip(-1) if element >= 4 else values
    return torch.rot90(mirrored, -(element % 4), dims=(-2, -1))

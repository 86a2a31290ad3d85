"""Features of labelled pixels, computed once: all that a frozen encoder has to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..data.augmentation import dihedral
from ..errors import EmptyArea, LabelsInvalid
from ..infer.scene import Feeds
from ..model.predictor import Predictor
from ..model.tuned_change import TunedChange
from ..model.tuned_segmentation import TunedSegmentation
from ..progress import Progress
from .labelled_ground import LabelledGround
from .light import Light, LightChange, draw_changes, relight


@dataclass(frozen=True)
class PixelSamples:
    """Features of labelled pixels of all grounds.

    Attributes:
        features: float32 [copies, N, F]; the first copy is the image as it is.
        label: Class index int64 [N].
        row: In its ground [N].
        column: Likewise.
        unit: Of the pixel's polygon; differs between layers' features [N].
        place: Number of the ground's place [N].
    """

    features: NDArray[np.float32]
    label: NDArray[np.int64]
    row: NDArray[np.int64]
    column: NDArray[np.int64]
    unit: NDArray[np.int64]
    place: NDArray[np.int64]


@torch.no_grad()
def extract(
    predictor: Predictor,
    grounds: Sequence[LabelledGround],
    *,
    copies: int,
    light: Light,
    seed: int,
    device: torch.device | None = None,
    progress: Progress | None = None,
) -> PixelSamples:
    """Computes the features of every labelled, valid pixel.

    Args:
        predictor: Of a network with `features`; its encoder does not learn here.
        grounds: Rasters with their labels.
        copies: How often each window is seen again, turned and under another light.
        light: How different.
        seed: Of that.
        device: Where to compute.
        progress: Told how far it is; a cancel takes effect at each window.

    Raises:
        EmptyArea: No labelled pixel is valid.
        LabelsInvalid: None of a class is.
    """
    device = device or torch.device("cpu")
    predictor.to(device).eval()
    progress = progress or Progress()
    size = predictor.card.window
    work = [(ground, *item) for ground in grounds for item in ground.windows(size)]
    random = np.random.default_rng(seed)
    features: list[NDArray[np.float32]] = []
    rest: list[NDArray[np.int64]] = []
    for number, (ground, window, indices) in enumerate(work):
        progress.update(number / len(work), "Computing features")
        feeds, valid = ground.read(window)
        pixels = ground.pixels
        row, column = pixels.row[indices] - window.row_off, pixels.column[indices] - window.col_off
        known = valid[row, column]
        if not known.any():
            continue
        indices, row, column = indices[known], row[known], column[known]
        views = [_features(predictor, feeds, 0, device)[:, row, column].T]
        changes: dict[str, LightChange] = {}
        for copy in range(copies):
            # Haze moves all bands together, so a few draws do not average out: pairs of opposites do.
            if light.haze and copy % 2:
                changes = {name: change.opposite() for name, change in changes.items()}
            else:
                changes = draw_changes(feeds, light, random)
            changed = relight(feeds, changes)
            element = int(random.integers(8))
            views.append(_features(predictor, changed, element, device)[:, row, column].T)
        features.append(np.stack(views))  # [copies + 1, n, F]
        rest.append(
            np.stack(
                [
                    pixels.label[indices].astype(np.int64),
                    pixels.row[indices],
                    pixels.column[indices],
                    pixels.unit[indices].astype(np.int64),
                    np.full(len(indices), ground.place),
                ]
            )
        )
    if not features:
        raise EmptyArea(
            "Every labelled pixel is no-data in the rasters. Draw labels where the raster has "
            "values, or check its no-data value."
        )
    samples = PixelSamples(np.concatenate(features, 1), *np.concatenate(rest, 1))
    seen = np.bincount(samples.label, minlength=len(predictor.card.classes))
    missing = [item.title for item, count in zip(predictor.card.classes, seen) if not count]
    if missing:
        raise LabelsInvalid(
            f"Every pixel labelled as {', '.join(missing[:5])} is no-data in the rasters. Draw some "
            "where the raster has values, or leave the class out."
        )
    return samples


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


def _features(
    predictor: Predictor, feeds: Feeds, element: int, device: torch.device
) -> NDArray[np.float32]:
    """Features [F, H, W] of a window that is turned before and turned back after."""
    inputs = [
        dihedral(value, element).contiguous() if value.ndim == 4 else value
        for value in batch_inputs(predictor, [feeds], device)
    ]
    arguments: dict[str, Any] = predictor.arguments(*inputs)
    found: Tensor = tuned_network(predictor).features(**arguments)  # [1, F, H, W]
    return turn_back(found[0], element).float().cpu().numpy()


def tuned_network(predictor: Predictor) -> TunedSegmentation | TunedChange:
    """The network of a predictor whose pixels have features.

    Raises:
        TypeError: It is another one.
    """
    network = predictor.network
    if not isinstance(network, (TunedSegmentation, TunedChange)):
        raise TypeError(f"{type(network).__name__} has no features of pixels.")
    return network


def turn_back(values: Tensor, element: int) -> Tensor:
    """Undoes `dihedral`: mirrored first, then turned the other way."""
    mirrored = values.flip(-1) if element >= 4 else values
    return torch.rot90(mirrored, -(element % 4), dims=(-2, -1))

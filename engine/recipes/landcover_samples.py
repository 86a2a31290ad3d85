"""Samples the training pixels of the land-cover model, with their precomputed features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..cards import Normalisation
from ..data.augmentation import dihedral, spectral_jitter
from ..model.normalise import normalisation
from ..model.pixel_segmentation import PixelSegmentation
from ..progress import Progress
from .backbone import CARD_BANDS, RED_EDGE
from .landcover_labels import (
    BARE,
    CROPS,
    IGNORE,
    NOT_BUILT,
    NOT_WATER,
    SHORE,
    SNOW,
    Labelled,
)

SEED = 4
WINDOW = 128
NO_RED_EDGE = (0, 2)
NO_RED_EDGE_RATE = 0.25
# Relative frequency of labels in the draw; 1 for others. With more fields, towns on light soil are mapped as fields;
# with more towns, bare river beds are mapped as towns.
PRIOR = {CROPS: 0.7, SNOW: 0.5, BARE: 0.7, NOT_WATER: 0.5, SHORE: 0.7, NOT_BUILT: 0.2}
PER_CLASS = 60  # pixels of each label to sample in a window
# Windows per scene, by the beginning of the place's name; `BY_RULE` for scenes that are labelled by rules only. With
# fewer windows and more pixels in each, figures varied by .03 between draws.
WINDOWS = {"terramesh": 42, "boadella": 42, "eurosat": 9, "oscd": 4}
BY_RULE = 6


@dataclass(frozen=True)
class Samples:
    """Sampled pixels.

    Attributes:
        context: Features of the pixel and its surroundings, float32 [N, F].
        tokens: Features of the tokens, float32 [N, D].
        label: Labels, int64 [N].
        place: Index of each sample's place [N].
        places: Names of the places.
        weight: Relative probability of being drawn [N].
    """

    context: Tensor
    tokens: Tensor
    label: Tensor
    place: np.ndarray
    places: tuple[str, ...]
    weight: np.ndarray

    def without(self, held_out: str) -> Samples:
        """The samples of all other places."""
        keep = np.array([name != held_out for name in self.places])[self.place]
        chosen = torch.from_numpy(np.flatnonzero(keep))
        return Samples(
            self.context[chosen],
            self.tokens[chosen],
            self.label[chosen],
            self.place[keep],
            self.places,
            self.weight[keep],
        )


@torch.no_grad()
def draw(
    network: PixelSegmentation,
    kind: Normalisation,
    scenes: Sequence[Labelled],
    progress: Progress,
) -> Samples:
    """Samples labelled pixels of random windows, with augmentation of light."""
    generator = np.random.default_rng(SEED)
    normalise = normalisation(kind, len(CARD_BANDS))
    places = tuple(sorted({item.place for item in scenes}))
    context: list[Tensor] = []
    tokens: list[Tensor] = []
    labels: list[np.ndarray] = []
    owner: list[np.ndarray] = []
    weight: list[np.ndarray] = []
    for number, item in enumerate(scenes):
        progress.update(number / len(scenes), "Sampling labelled pixels")
        for _ in range(WINDOWS.get(item.place.split("/")[0], BY_RULE)):
            image, label = _window(item, generator)
            if (label == IGNORE).all():
                continue
            image = spectral_jitter(image, generator, brightness=0.12, gain=0.05, offset=0.004)
            present = torch.ones(1, 1, *label.shape)
            prepared = normalise(image[None], present)
            groups = None
            if generator.random() < NO_RED_EDGE_RATE:
                groups = torch.tensor(NO_RED_EDGE)
                prepared[:, 3 * RED_EDGE : 3 * RED_EDGE + 3] = 0
            around, grid = network.describe(prepared, groups, present)
            rows, columns = _choose(label, generator)
            context.append(around[0][:, rows, columns].T)
            large = F.interpolate(grid, size=label.shape, mode="bilinear", align_corners=False)
            tokens.append(large[0][:, rows, columns].T)
            chosen = label[rows, columns]
            labels.append(chosen)
            owner.append(np.full(len(chosen), places.index(item.place)))
            weight.append(np.full(len(chosen), item.weight))
    return Samples(
        torch.cat(context),
        torch.cat(tokens),
        torch.from_numpy(np.concatenate(labels).astype(np.int64)),
        np.concatenate(owner),
        places,
        np.concatenate(weight),
    )


def _window(item: Labelled, generator: np.random.Generator) -> tuple[Tensor, np.ndarray]:
    """Draws a window in a random orientation: image [9, S, S] and label [S, S], S a multiple of 8."""
    height, width = item.label.shape
    side = min(WINDOW, height // 8 * 8, width // 8 * 8)
    top = int(generator.integers(height - side + 1))
    left = int(generator.integers(width - side + 1))
    box = (..., slice(top, top + side), slice(left, left + side))
    element = int(generator.integers(8))
    image = dihedral(torch.from_numpy(np.ascontiguousarray(item.scene.image[box])), element)
    label = dihedral(torch.from_numpy(np.ascontiguousarray(item.label[box])), element)
    return image.contiguous(), label.numpy()


def _choose(label: np.ndarray, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of at most `PER_CLASS` random pixels of each label."""
    rows, columns = [], []
    for value in np.unique(label):
        if value == IGNORE:
            continue
        found = np.flatnonzero(label == value)
        picked = generator.choice(found, min(PER_CLASS, found.size), replace=False)
        row, column = np.unravel_index(picked, label.shape)
        rows.append(row)
        columns.append(column)
    return np.concatenate(rows), np.concatenate(columns)


def sampling(samples: Samples) -> np.ndarray:
    """Probability of drawing each sample: classes by `PRIOR`, places within a class by the root of their size."""
    label = samples.label.numpy()
    chance = np.zeros(label.size)
    for value in np.unique(label):
        members = label == value
        places = samples.place[members]
        # The root of a place's number of samples, so that large places do not crowd out small ones.
        size = np.bincount(places)[places]
        share = samples.weight[members] / np.sqrt(size)
        chance[members] = share / share.sum() * PRIOR.get(int(value), 1.0)
    return chance / chance.sum()

"""Computes the features of scenes once, so that heads can be fitted without running the encoder again."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..cards import Card
from ..data.augmentation import dihedral, spectral_jitter
from ..model.common_bands import common_bands
from ..model.patch_dictionary import learn_dictionary
from ..model.pixel_classifier import PixelClassifier, fill_holes
from ..model.pixel_statistics import PixelStatistics
from ..model.predictor import Predictor
from ..progress import Progress
from .base_model import Base
from .light import STANDARDISED, Light
from .scene_chips import SceneChips

TOLERANCE = 0.3  # of the patch dictionary
PATTERNS = 256  # of the patch dictionary
# Augmented copies of a chip make a model more robust to light (2 to 7 hundredths better on relit chips), and cost
# nothing under the same light if their weight is small.
COPIES, COPIES_WEIGHT = 2, 1 / 3
BATCH = 16
# About the differences between dates of one place; more haze would hide what distinguishes scenes.
REFLECTANCE = Light(brightness=0.4, gain=0.08, offset=0.005)


@dataclass(frozen=True)
class SceneSamples:
    """Features of the windows of scenes.

    Attributes:
        features: Features in V views, float32 [V, N, F]; the first view is the unchanged image.
        weight: Weight of each view [V].
        blocks: Width of each block of features, by name; F in total.
        chips: The windows, with the labels of the scenes.
    """

    features: NDArray[np.float32]
    weight: NDArray[np.float64]
    blocks: dict[str, int]
    chips: SceneChips


def build_scenes(base: Base, card: Card, window: int, drop_path: float = 0.0) -> Predictor:
    """Builds the network of a card with the base's encoder, an empty patch dictionary and an untrained head.

    Args:
        base: The base model, which provides the encoder.
        card: Card of the future model; its window is replaced.
        window: Side of the chips, pixels.
        drop_path: Drop-path rate of the encoder.
    """
    config = dataclasses.replace(base.config, drop_path=drop_path, image_size=window)
    bands = common_bands(card)
    network = PixelClassifier(config, len(card.classes), bands, PATTERNS)
    network.encoder.load_backbone(base.weights)
    return Predictor(network.eval(), dataclasses.replace(card, window=window))


def learn_patches(predictor: Predictor, images: Sequence[Tensor], seed: int) -> None:
    """Learns the patch dictionary, if the network has one, without labels.

    Args:
        predictor: Predictor of a `PixelClassifier`.
        images: Reflectance without holes, [C, H, W] each.
        seed: Seed of the sampling.
    """
    statistics = classifier(predictor).statistics
    if isinstance(statistics, PixelStatistics):
        learned = learn_dictionary(
            images, statistics.bands, PATTERNS, tolerance=TOLERANCE, seed=seed
        )
        statistics.set_dictionary(*learned)


def whole_images(chips: SceneChips) -> list[Tensor]:
    """The images of chips with holes filled, for learning the patch dictionary."""
    image, valid = torch.from_numpy(chips.image), torch.from_numpy(chips.valid)
    return list(fill_holes(image, valid))


def classifier(predictor: Predictor) -> PixelClassifier:
    """The network of a scene predictor.

    Raises:
        TypeError: The network is not a `PixelClassifier`.
    """
    if not isinstance(predictor.network, PixelClassifier):
        raise TypeError(f"{type(predictor.network).__name__} has no features of scenes.")
    return predictor.network


def scene_light(card: Card) -> Light:
    """The augmentation by light that suits the card's unit and normalisation."""
    plain = card.unit == "reflectance" and card.normalisation.kind != "scene-statistics"
    return REFLECTANCE if plain else STANDARDISED


def measure(
    predictor: Predictor,
    chips: SceneChips,
    *,
    copies: int = COPIES,
    seed: int = 0,
    device: torch.device | None = None,
    progress: Progress | None = None,
) -> SceneSamples:
    """Computes the features of every chip and of augmented copies, rotated or mirrored and under changed light.

    Args:
        predictor: Predictor of a `PixelClassifier` with its dictionary.
        chips: Windows of scenes.
        copies: Number of copies; all together have `COPIES_WEIGHT` times the weight of the unchanged chip.
        seed: Seed of the copies.
        device: Device to compute on.
        progress: Takes the progress; a cancel takes effect between batches.
    """
    progress = progress or Progress()
    light = scene_light(predictor.card)
    random = np.random.default_rng(seed)
    views = []
    for number in range(copies + 1):
        image, valid = torch.from_numpy(chips.image), torch.from_numpy(chips.valid)
        if number:
            changed = [relit(*pair, light, random) for pair in zip(image, valid)]
            image, valid = (torch.stack(part) for part in zip(*changed))
        part = progress.part(number / (copies + 1), (number + 1) / (copies + 1))
        views.append(features(predictor, image, valid, chips.groups, device, part))
    weight = np.array([1.0] + [COPIES_WEIGHT / max(copies, 1)] * copies)
    return SceneSamples(np.stack(views), weight, classifier(predictor).blocks, chips)


def relit(
    image: Tensor, valid: Tensor, light: Light, random: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Rotates or mirrors a chip [C, S, S] and changes its light; returns it and its valid pixels [1, S, S]."""
    element = int(random.integers(8))
    changed = spectral_jitter(image, random, light.brightness, light.gain, light.offset) * valid
    return dihedral(changed, element).contiguous(), dihedral(valid, element).contiguous()


@torch.no_grad()
def features(
    predictor: Predictor,
    image: Tensor,
    valid: Tensor,
    groups: NDArray[np.int64],
    device: torch.device | None = None,
    progress: Progress | None = None,
) -> NDArray[np.float32]:
    """Computes the features [N, F] of images [N, C, S, S] in the card's unit; valid is [N, 1, S, S]."""
    progress, device = progress or Progress(), device or torch.device("cpu")
    predictor.to(device).eval()
    network = classifier(predictor)
    present = torch.from_numpy(groups).to(device)
    found = []
    for start in range(0, len(image), BATCH):
        progress.update(start / len(image), "Computing features")
        pair = (image[start : start + BATCH].to(device), valid[start : start + BATCH].to(device))
        inputs = (*pair, present) if "groups" in predictor.input_names else pair
        arguments: dict[str, Any] = predictor.arguments(*inputs)
        found.append(network.features(**arguments).float().cpu().numpy())
    return np.concatenate(found)

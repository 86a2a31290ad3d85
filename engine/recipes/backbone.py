"""The shipped backbone: a tiny SpectralGPT, pretrained without labels on nine Sentinel-2 bands.

Its images contain no pixel of a place on which a shipped model is tested: neither the ten labelled
OSCD cities nor EuroSAT's chips, Boadella, TerraMesh or the RStoolbox village.
"""

from __future__ import annotations

import dataclasses
import itertools
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ..cards import Card, Normalisation
from ..checkpoint import save
from ..data.patches import OFFSET, Source
from ..model.config import preset
from ..model.losses import ReconstructionLoss
from ..model.masked_autoencoder import MaskedAutoencoder
from ..model.normalise import normalisation
from ..progress import Progress
from ..train.fresh_network import CARD_BANDS, RED_EDGE, start_positions
from ..train.masked_pretraining import (
    PretrainingConfig,
    ReconstructionError,
    Stage,
    StageHooks,
    pretrain,
    reconstruction_error,
)
from ..train.trainer import TrainerConfig
from . import collections
from .collections import Scene
from .probe import linear_probe, pooled_features

SEED = 2
LOSS = ReconstructionLoss(token=1.0, spectral=0.0)
# Positions are learned on small windows with more visible tokens. From large windows with 90 % hidden tokens, a network
# this small learns little more than their mean in the available time.
STAGES = (
    Stage(window=32, batch=96, steps=200, epochs=15, learning_rate=2e-3, mask_ratio=0.75),
    Stage(window=64, batch=32, steps=200, epochs=5, learning_rate=1e-3, mask_ratio=0.8),
    Stage(window=128, batch=16, steps=200, epochs=3, learning_rate=5e-4, mask_ratio=0.9),
)


def make(data: Path, out: Path, progress: Progress, stages: Sequence[Stage] = STAGES) -> Path:
    """Pretrains the backbone and writes backbone.safetensors with its card.

    Args:
        data: Root of the shared collections.
        out: Folder of the models.
        progress: Takes progress, metrics and log.
        stages: The stages; shorter ones for a trial.

    Returns:
        The written file.
    """
    progress.log("Reading the images of the backbone.")
    scenes = pretraining_scenes(data)
    kind = statistics(scenes)
    torch.manual_seed(SEED)
    network = MaskedAutoencoder(preset("tiny"), LOSS)
    start_positions(network)
    evaluation = _Evaluation.of(network, kind, data)
    random_probe = evaluation.probe()
    out.mkdir(parents=True, exist_ok=True)
    unfinished = out / ".backbone-unfinished"  # for resuming a run that was killed
    result = pretrain(
        network,
        kind,
        [Source(scene.image, scene.valid) for scene in scenes],
        PretrainingConfig(tuple(stages), trainer=TrainerConfig(seed=SEED, clip=1.0)),
        offset=OFFSET,
        hooks=StageHooks(evaluate=evaluation.metrics, checkpoint=unfinished),
        progress=progress,
    )
    accuracy = evaluation.accuracy(random_probe)
    card = backbone_card(kind, scenes, stages, result.history, accuracy)
    path = out / "backbone.safetensors"
    save(path, network, card, half=True)
    shutil.rmtree(unfinished)
    progress.log(f"Backbone: {accuracy}")
    return path


@dataclass(frozen=True)
class _Evaluation:
    """Evaluates a network on images that are not used in pretraining.

    Attributes:
        network: The network; methods evaluate its current weights.
        normalise: Normalisation of image [B, C, H, W] with valid [B, 1, H, W].
        held: Images and valid pixels of each TerraMesh place.
        chips: Normalised chips of EuroSAT [N, C, H, W].
        labels: Class of each chip [N].
    """

    network: MaskedAutoencoder
    normalise: nn.Module
    held: dict[str, tuple[Tensor, Tensor]]
    chips: Tensor
    labels: np.ndarray

    @classmethod
    def of(cls, network: MaskedAutoencoder, kind: Normalisation, data: Path) -> _Evaluation:
        """Reads the collections below `data`."""
        normalise = normalisation(kind, len(CARD_BANDS))
        held = {place: held_out(data, place, window=128) for place in collections.TERRAMESH_PLACES}
        chips, labels, _ = collections.eurosat(data)
        valid = torch.ones(len(chips), 1, *chips.shape[2:])
        return cls(network, normalise, held, normalise(torch.from_numpy(chips), valid), labels)

    def errors(self) -> dict[str, ReconstructionError]:
        """Reconstruction error at each place."""
        return {
            place: reconstruction_error(self.network, self.normalise(image, valid), valid)
            for place, (image, valid) in self.held.items()
        }

    def probe(self, repeats: int = 10) -> float:
        """Accuracy of a linear probe on the chips."""
        return linear_probe(pooled_features(self.network, self.chips), self.labels, repeats)

    def metrics(self, _: nn.Module) -> dict[str, float]:
        """Figures of an epoch, for the log."""
        return {
            "error": float(np.median([error.model for error in self.errors().values()])),
            "probe": self.probe(repeats=3),
        }

    def accuracy(self, random_probe: float) -> dict[str, object]:
        """Figures for the card, with the probe of the initial random weights for comparison."""
        return {
            "reconstruction": {
                place: {name: round(value, 4) for name, value in dataclasses.asdict(error).items()}
                for place, error in self.errors().items()
            },
            "reconstruction_measure": (
                "mean squared error of hidden values in units of each band's variance, 90 % hidden, "
                "128 px, on TerraMesh places (none of them in pretraining); 'interpolation' fills each "
                "band from its visible tokens by distance, 'mean' by their mean"
            ),
            "eurosat_linear_probe": {
                "pretrained": round(self.probe(), 4),
                "random_weights": round(random_probe, 4),
                "measure": (
                    "accuracy of ridge regression on frozen features (mean of each spectral group's "
                    "tokens), 10 x stratified 5-fold over 89 chips (none of them in pretraining)"
                ),
            },
        }


def pretraining_scenes(data: Path) -> list[Scene]:
    """All images with the nine bands, of places on which no shipped model is tested."""
    scenes: list[Scene] = []
    for city in collections.oscd_cities(data, labelled=False):
        scenes += collections.oscd_pair(data, city)[:2]
    scenes += collections.formats(data)
    scenes += collections.ships(data)
    scenes += collections.dsen2(data)
    scenes += [scene for scene, _ in collections.bigearthnet(data)]
    return scenes


def statistics(scenes: Sequence[Scene]) -> Normalisation:
    """Mean and standard deviation of each band, with scenes weighted as the patch loader draws them."""
    weights = np.array([scene.valid.size**0.5 for scene in scenes])
    weights /= weights.sum()
    mean, square = np.zeros(len(CARD_BANDS)), np.zeros(len(CARD_BANDS))
    for scene, weight in zip(scenes, weights):
        values = scene.image[:, scene.valid].astype(np.float64)
        mean += weight * values.mean(axis=1)
        square += weight * (values**2).mean(axis=1)
    std = np.sqrt(square - mean**2)
    return Normalisation(
        "statistics",
        tuple(round(float(value), 5) for value in mean),
        tuple(round(float(value), 5) for value in std),
    )


def held_out(data: Path, place: str, window: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Windows of a TerraMesh place at both levels: image [N, 9, S, S] and valid [N, 1, S, S]."""
    images, valids = [], []
    for level in ("L1C", "L2A"):
        scene, _ = collections.terramesh(data, place, level)
        bottom, right = (side - window for side in scene.valid.shape)
        for top, left in itertools.product((0, bottom), (0, right)):
            box = (..., slice(top, top + window), slice(left, left + window))
            images.append(scene.image[box])
            valids.append(scene.valid[None][box])
    return torch.from_numpy(np.stack(images)), torch.from_numpy(np.stack(valids)).float()


def backbone_card(
    kind: Normalisation,
    scenes: Sequence[Scene],
    stages: Sequence[Stage],
    history: Sequence[dict[str, float]],
    accuracy: dict[str, object],
) -> Card:
    """The card: training data, method, accuracy and licence."""
    return Card(
        name="backbone",
        task="backbone",
        title="SpectralGPT tiny, Sentinel-2",
        description=(
            "SpectralGPT pretrained without labels on nine Sentinel-2 bands (L1C and L2A "
            "reflectance); the start for models of your own."
        ),
        bands=CARD_BANDS,
        window=128,
        gsd=10.0,
        unit="reflectance",
        normalisation=kind,
        spectral_patch=3,
        optional_groups=(RED_EDGE,),
        training={
            "method": "masked pretraining, progressively over windows and mask ratios",
            "stages": [dataclasses.asdict(stage) for stage in stages],
            "loss": dataclasses.asdict(LOSS),
            "seed": SEED,
            "final_loss": round(history[-1]["loss"], 4) if history else None,
            "images": len(scenes),
            "megapixels": round(sum(int(scene.valid.sum()) for scene in scenes) / 1e6, 2),
            "data": [
                "OSCD, the nine cities without a change map, pixels only (Copernicus Sentinel-2)",
                "Major TOM Core and SSL4EO-S12 samples (CC BY-SA 4.0, CC BY 4.0)",
                "BigEarthNet (CDLA-Permissive 1.0)",
                "DSen2 scenes (CC BY 4.0)",
                "Ship chips of EOTDL (MIT)",
            ],
            "left_out": "every place on which a shipped model is measured",
        },
        accuracy=accuracy,
        # Some of the images are CC BY-SA; the weights are offered under the same terms.
        licence="CC-BY-SA-4.0",
        attribution=(
            "Contains modified Copernicus Sentinel data 2015-2022. Images from OSCD, Major TOM, "
            "SSL4EO-S12, BigEarthNet, DSen2 and EOTDL."
        ),
    )

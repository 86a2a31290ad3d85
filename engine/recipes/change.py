"""The change model that ships: learned without a single label of change, measured on ten cities.

Two things teach it. On nine pairs of dates of which nothing is known it learns what the evidence of
the pair says (`change_evidence`), from disturbed copies and with the red edge left out at times; and
ground pasted from elsewhere teaches it where changed ground begins and ends, and which differences
are no change (`synthetic_change`). The ten OSCD cities with a change map serve for nothing but the
measurement, which goes through the verb that users call.
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import torch
from rasterio.transform import from_origin
from torch import nn
from torch.nn import functional as F

from ..cards import Card, ModelClass, Normalisation
from ..checkpoint import load
from ..errors import ModelInvalid
from ..export.onnx import export_onnx
from ..infer.detect_change import detect_change
from ..jobs import ChangeJob
from ..model.encoder import SpectralBackbone
from ..model.pixel_change import PixelChange
from ..model.predictor import Predictor
from ..progress import Progress
from ..train.callbacks import Report
from ..train.metrics import average_precision, roc_auc
from ..train.trainer import Batch, Trainer, TrainerConfig, seed_everything
from . import collections
from .backbone import CARD_BANDS, RED_EDGE
from .change_evidence import COMMON, standardise
from .collections import BANDS, Scene
from .synthetic_change import ChangeSampler, Place

SEED = 3
THRESHOLD = {"method": "scene", "rule": "quantile", "share": 0.975, "minimum": 0.5, "maximum": 0.9}
WITHOUT_RED_EDGE = 0.2  # share of the batches


@dataclass(frozen=True)
class Stage:
    """A part of the training: side of the pairs, pairs in a batch, steps, top learning rate."""

    window: int
    batch: int
    steps: int
    learning_rate: float


# Most of what is to be learned is small; the last stage shows the windows that will be used.
STAGES = (Stage(64, 8, 600, 2e-3), Stage(128, 4, 100, 5e-4))


def make(data: Path, out: Path, progress: Progress, stages: tuple[Stage, ...] = STAGES) -> Path:
    """Trains the model, measures it and writes change.onnx with its card.

    Args:
        data: Root of the shared collections.
        out: Folder of the models; backbone.safetensors is there.
        progress: Told about steps and losses.
        stages: Shorter ones for a trial.

    Returns:
        The file.
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
    """As `make`, from a given backbone.

    Returns:
        The accuracy in the card.

    Raises:
        ModelInvalid: The backbone is not one that the network can start from.
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
        # The card in the file holds figures that were measured on the file itself.
        trial = Path(folder) / "change.onnx"
        card = change_card(network, stages, {})
        export_onnx(Predictor(network, card), card, trial, half=True)
        accuracy = evaluate(trial, data, progress.part(0.9, 1.0))
    card = dataclasses.replace(card, accuracy=accuracy)
    export_onnx(Predictor(network, card), card, path, half=True)
    progress.log(f"Change: {accuracy['mean']}")
    return accuracy


def material(data: Path) -> tuple[list[Place], list[Place]]:
    """Places with several dates, and EuroSAT's chips to paste from; none is a test city."""
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
    """Endless new pairs, in epochs of a fixed number of batches."""

    def __init__(self, sampler: ChangeSampler, batch: int, steps: int) -> None:
        """Keeps the sampler; epoch k gives the same pairs in every run."""
        self._sampler, self._batch, self._steps = sampler, batch, steps
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Which pairs come next."""
        self._epoch = epoch

    def __len__(self) -> int:
        """Batches in an epoch."""
        return self._steps

    def __iter__(self) -> Iterator[Batch]:
        """Batches of before, after [B, 9, S, S], target [B, S, S] and the groups present [G']."""
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
    """Cross entropy with the probability that a pixel changed."""
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


def evaluate(model: Path, data: Path, progress: Progress) -> dict[str, Any]:
    """Measures a change model on the ten labelled OSCD cities and on Taizhou, as a user would run it.

    Args:
        model: An .onnx of the task change-detection.
        data: Root of the shared collections.
        progress: Told of every place.

    Returns:
        "places": of each place the model's area under ROC, that of change-vector analysis, average
        precision, F1, precision and recall at the model's own threshold; "mean" over the cities;
        "taizhou"; "measure" in words.
    """
    cities = collections.oscd_cities(data, labelled=True)
    places = {}
    for number, city in enumerate(cities):
        progress.update(number / len(cities), f"Measuring on {city}")
        before, after, truth = collections.oscd_pair(data, city)
        places[city] = _measure(model, before, after, np.asarray(truth))
        progress.log(f"{city}: {places[city]}")
    names = [name for name in next(iter(places.values())) if name != "changed"]
    mean = {
        name: round(float(np.mean([place[name] for place in places.values()])), 4) for name in names
    }
    landsat = _measure(model, *collections.taizhou(data))
    return {
        "oscd": places,
        "mean": mean,
        "cities_above_cva": sum(p["roc_auc"] > p["roc_auc_cva"] for p in places.values()),
        "taizhou": landsat,
        "measure": (
            "pixels of a whole scene at 10 m, through the verb detect-change; roc_auc_cva is change-vector "
            "analysis on six bands, each standardised by image; f1, precision and recall at the "
            "threshold that the model finds in the scene; taizhou is Landsat 7 without red edge, "
            "its sparsely labelled pixels only"
        ),
    }


def _measure(model: Path, before: Scene, after: Scene, truth: np.ndarray) -> dict[str, float]:
    """One pair; truth is 0, 1, or 255 where nothing is known."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        earlier, later, classes, probability = (
            folder / f"{part}.tif" for part in ("before", "after", "classes", "probability")
        )
        _write(earlier, before)
        _write(later, after)
        job = ChangeJob(
            before=str(earlier),
            after=str(later),
            model=str(model),
            output=str(classes),
            probability=str(probability),
        )
        detect_change(job, Progress())
        with rasterio.open(probability) as source:
            score = source.read(1)
        with rasterio.open(classes) as source:
            found = source.read(1) == 1
    known = (truth != 255) & (score >= 0)
    real, found, score = truth[known] == 1, found[known], score[known]
    moved = (standardise(after.image) - standardise(before.image))[list(COMMON)]
    vector = np.sqrt(np.square(moved).sum(0))[known]
    hits = float((real & found).sum())
    figures = {
        "roc_auc": roc_auc(real, score),
        "roc_auc_cva": roc_auc(real, vector),
        "average_precision": average_precision(real, score),
        "average_precision_cva": average_precision(real, vector),
        "f1": 2 * hits / max(1.0, float(real.sum() + found.sum())),
        "precision": hits / max(1.0, float(found.sum())),
        "recall": hits / max(1.0, float(real.sum())),
        "changed": float(real.mean()),
    }
    return {name: round(value, 4) for name, value in figures.items()}


def _write(path: Path, scene: Scene) -> None:
    """A scene as users have it: one raster with named bands, without those it lacks."""
    bands = [i for i in range(len(BANDS)) if i // 3 in scene.groups]
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=scene.image.shape[2],
        height=scene.image.shape[1],
        count=len(bands),
        dtype="float32",
        crs="EPSG:32631",
        transform=from_origin(500000, 5000000, 10, 10),
    ) as target:
        target.write(scene.image[bands])
        target.descriptions = tuple(BANDS[i] for i in bands)


def change_card(network: PixelChange, stages: tuple[Stage, ...], accuracy: dict[str, Any]) -> Card:
    """The card: what it learned from, how, how well, and who may use it."""
    return Card(
        name="change",
        task="change-detection",
        title="Urban change, Sentinel-2",
        description=(
            "Change between two dates of Sentinel-2 (L1C or L2A): construction and other change of "
            "built-up or bare ground, and water that comes or goes. Seasons and crops are not "
            "change to it. It ranks pixels; the cut is found in each scene and marks about the most "
            "changed fortieth of it, less where little stands out and more where much surely "
            "changed. Expect false alarms on bare fields and where almost nothing changed, and "
            "misses where a roof replaces a like one. Snow and clouds are change to it: mask them. "
            "Both dates should cover the same ground, at least some square kilometres."
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
                "no label of change: evidence of unlabelled pairs as soft target, and ground pasted "
                "from other places into one of two dates"
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
                "pixels and labels of the ten OSCD cities with a change map, and Taizhou; design "
                "decisions were compared on the ten cities, see resources/models/README.md"
            ),
        },
        accuracy=accuracy,
        # As the backbone's.
        licence="CC-BY-SA-4.0",
        attribution=(
            "Contains modified Copernicus Sentinel data 2015-2022. Images from OSCD, EuroSAT and EOTDL; "
            "change maps of OSCD (CC BY-NC-SA 4.0) for measuring only."
        ),
    )

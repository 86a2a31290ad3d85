"""The shipped land-cover model: seven classes per pixel, learned from a handful of places.

Features of sampled pixels are computed once, as the encoder is frozen and the other features have no
weights. Only a small network on them is trained, so that each place can be held out in turn.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..cards import Card, ModelClass, Normalisation
from ..checkpoint import load
from ..export.onnx import export_onnx
from ..infer.blend import blend_weights
from ..infer.windows import SlidingWindows
from ..model.encoder import SpectralBackbone
from ..model.normalise import normalisation
from ..model.pixel_segmentation import PixelSegmentation
from ..model.predictor import Predictor
from ..progress import Progress
from ..train.metrics import confusion_matrix, iou
from . import collections
from .backbone import CARD_BANDS, RED_EDGE
from .collections import Scene
from .landcover_labels import (
    BUILT,
    EXCLUDED,
    IGNORE,
    TREES,
    WATER,
    boadella_agreed,
    product_classes,
    training_scenes,
)
from .landcover_samples import NO_RED_EDGE, WINDOW, Samples, draw, sampling
from .landcover_towns import city_labels

SEED = 4
STEPS = 1500
BATCH = 1024
LEARNING_RATE = 2e-3
SMOOTHING = 0.1
CLASSES = (
    ModelClass(1, "water", "Water", "#419bdf"),
    ModelClass(2, "trees", "Trees", "#397d49"),
    ModelClass(3, "crops", "Crops", "#e49635"),
    ModelClass(4, "built-up", "Built-up", "#c4281b"),
    ModelClass(5, "bare-ground", "Bare ground", "#a59b8f"),
    ModelClass(6, "rangeland", "Grass and shrubs", "#b9d65a"),
    ModelClass(7, "snow-ice", "Snow and ice", "#b39fe1"),
)


def make(data: Path, out: Path, progress: Progress) -> Path:
    """Makes landcover.onnx in `out` from backbone.safetensors in the same folder; returns the file."""
    train(data, out, out / "backbone.safetensors", progress)
    return out / "landcover.onnx"


def train(data: Path, out: Path, backbone: Path, progress: Progress) -> Card:
    """Cross-validates with each place held out, trains on all places, and writes the model.

    Args:
        data: Root of the shared collections.
        out: Folder of the models.
        backbone: The pretrained encoder.
        progress: Takes progress and log.

    Returns:
        The card of landcover.onnx.
    """
    torch.manual_seed(SEED)
    pretrained, base = load(backbone)
    network = build(pretrained, base.normalisation)
    scenes = [*training_scenes(data), *city_labels(data)]
    samples = draw(network, base.normalisation, scenes, progress.part(0.0, 0.5))
    progress.log(f"Land cover: {len(samples.label)} pixels of {len(samples.places)} places")
    accuracy = cross_validate(network, base.normalisation, samples, data, progress.part(0.5, 0.9))
    learn(network, samples, progress.part(0.9, 0.95))
    card = landcover_card(network, base, samples, accuracy)
    progress.update(0.96, "Exporting")
    out.mkdir(parents=True, exist_ok=True)
    export_onnx(Predictor(network, card), card, out / "landcover.onnx", half=True)
    return card


def build(pretrained: nn.Module, kind: Normalisation) -> PixelSegmentation:
    """Builds the network with the pretrained encoder."""
    if not isinstance(pretrained, SpectralBackbone):
        raise TypeError(f"The backbone is a {type(pretrained).__name__}, expected an encoder.")
    config = dataclasses.replace(pretrained.config, image_size=WINDOW)
    network = PixelSegmentation(config, len(CLASSES), kind.mean, kind.std)
    network.encoder.load_backbone(pretrained.state_dict())
    return network.eval()


def learn(
    network: PixelSegmentation, samples: Samples, progress: Progress, seed: int = SEED
) -> None:
    """Trains the layers on the features, from random weights, in place."""
    torch.manual_seed(seed)
    for layer in (network.reduce, *network.layers):
        if isinstance(layer, nn.Conv2d):
            layer.reset_parameters()
    chance = torch.from_numpy(sampling(samples))
    weights = [*network.reduce.parameters(), *network.layers.parameters()]
    optimiser = torch.optim.AdamW(weights, LEARNING_RATE, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=STEPS)
    network.layers.train()
    for step in range(STEPS):
        index = torch.multinomial(chance, BATCH, replacement=True)
        context, tokens, label = samples.context[index], samples.tokens[index], samples.label[index]
        # Drop the tokens of some pixels, so that these are also classified by their surroundings alone.
        kept = (torch.rand(BATCH, 1) > 0.3).float()
        logits = network.decide((context)[..., None, None], (tokens * kept)[..., None, None])
        loss = partial_loss(logits[..., 0, 0], label)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if step % 100 == 0:
            progress.update(step / STEPS, "Training")
    network.eval()


def partial_loss(logits: Tensor, label: Tensor) -> Tensor:
    """Cross-entropy with label smoothing; for partial labels, negative log probability of the classes not excluded.

    Args:
        logits: Logits [N, K].
        label: A class, or a key of `EXCLUDED` [N].
    """
    known = label < logits.shape[1]
    total = logits.sum() * 0
    if known.any():
        total = total + F.cross_entropy(
            logits[known], label[known], label_smoothing=SMOOTHING, reduction="sum"
        )
    for value, excluded in EXCLUDED.items():
        some = logits[label == value]
        left = [index for index in range(logits.shape[1]) if index not in excluded]
        others = some[:, left]
        total = total + (some.logsumexp(1) - others.logsumexp(1)).sum()
    return total / label.numel()


@torch.no_grad()
def predict(
    network: PixelSegmentation,
    kind: Normalisation,
    scene: Scene,
    groups: tuple[int, ...] | None = None,
    overlap: int = 32,
) -> np.ndarray:
    """Probabilities [K, H, W] of a whole scene, with windows blended as in the engine."""
    normalise = normalisation(kind, len(CARD_BANDS))
    height, width = scene.valid.shape
    weight = blend_weights(WINDOW, overlap)
    total = np.zeros((len(CLASSES), height, width))
    shares = np.zeros((height, width))
    for window in SlidingWindows(height, width, WINDOW, overlap):
        top, left = int(window.row_off), int(window.col_off)
        box = (..., slice(top, top + WINDOW), slice(left, left + WINDOW))
        valid = torch.from_numpy(scene.valid[box]).float()[None, None]
        image = normalise(torch.from_numpy(np.ascontiguousarray(scene.image[box]))[None], valid)
        present = None
        if groups is not None:
            present = torch.tensor(groups)
            image[:, 3 * RED_EDGE : 3 * RED_EDGE + 3] = 0
        total[box] += network(image, present, valid).softmax(1)[0].numpy() * weight
        shares[box] += weight
    return total / shares


def cross_validate(
    network: PixelSegmentation,
    kind: Normalisation,
    samples: Samples,
    data: Path,
    progress: Progress,
) -> dict[str, Any]:
    """Holds out each TerraMesh place and the reservoir in turn, and tests on it."""
    places: dict[str, Any] = {}
    together = np.zeros((len(CLASSES), len(CLASSES)), np.int64)
    total = len(collections.TERRAMESH_PLACES) + 1
    for number, place in enumerate(collections.TERRAMESH_PLACES):
        part = progress.part(number / total, (number + 1) / total)
        learn(network, samples.without(f"terramesh/{place}"), part)
        figures: dict[str, Any] = {}
        for level in ("L2A", "L1C"):
            scene, product = collections.terramesh(data, place, level)
            truth = product_classes(product)
            found = predict(network, kind, scene).argmax(0).astype(np.uint8)
            matrix = confusion_matrix(truth, found, len(CLASSES), ignore=IGNORE)
            if level == "L2A":
                together += matrix
            figures[level] = _by_class(matrix)
        places[place] = figures
        progress.log(f"Land cover without {place}: {figures}")
    learn(network, samples.without("boadella"), progress.part((total - 1) / total, 1.0))
    water, agreeing = {}, {}
    agreed = boadella_agreed(data)
    for date in collections.BOADELLA_LABELLED:
        scene, mask = collections.boadella(data, date)
        if mask is None:
            continue
        for name, groups in (("", None), ("_without_red_edge", NO_RED_EDGE)):
            found = predict(network, kind, scene, groups).argmax(0) == WATER
            truth = mask == 1
            water[date + name] = _water_iou(found, truth)
            agreeing[date + name] = _water_iou(found[agreed], truth[agreed])
    progress.log(f"Water without Boadella: {water}; where both masks agree: {agreeing}")
    village = village_figures(network, kind, data)
    progress.log(f"Village, never in training: {village}")
    means = {
        level: round(float(np.mean([places[place][level]["miou"] for place in places])), 4)
        for level in ("L2A", "L1C")
    }
    return {
        "measure": (
            "each TerraMesh place left out of training in turn, against its land-cover product "
            "(itself a model's, of a whole year); mean over the classes present there"
        ),
        "miou_mean_over_places": means,
        "places": places,
        "iou_all_places_together": _by_class(together)["iou"],
        "water_iou_boadella_left_out": water,
        "water_iou_boadella_left_out_where_both_masks_agree": agreeing,
        "village_polygons_never_in_training": village,
    }


def village_figures(
    network: PixelSegmentation, kind: Normalisation, data: Path
) -> dict[str, float]:
    """Share of correctly mapped pixels in RStoolbox's polygons, by class (recall)."""
    scene, polygons, _ = collections.rstoolbox(data)
    found = predict(network, kind, scene).argmax(0)
    wanted = {"forest": TREES, "village": BUILT, "water": WATER}
    return {
        name: round(
            float(
                (found[polygons == collections.RSTOOLBOX_CLASSES.index(name) + 1] == number).mean()
            ),
            4,
        )
        for name, number in wanted.items()
    }


def _water_iou(found: np.ndarray, truth: np.ndarray) -> float:
    """IoU of two masks of the same shape."""
    return round(float((found & truth).sum() / (found | truth).sum()), 4)


def _by_class(matrix: np.ndarray) -> dict[str, Any]:
    """IoU of the classes that occur in the truth, their mean, and overall accuracy."""
    values = iou(matrix)
    present = np.flatnonzero(matrix.sum(1) > 0)
    return {
        "miou": round(float(np.mean(values[present])), 4),
        "overall_accuracy": round(float(np.trace(matrix) / matrix.sum()), 4),
        "iou": {CLASSES[index].name: round(float(values[index]), 4) for index in present},
    }


def landcover_card(
    network: PixelSegmentation, base: Card, samples: Samples, accuracy: dict[str, Any]
) -> Card:
    """The card of the shipped model."""
    return Card(
        name="landcover",
        task="segmentation",
        title="Land cover (seven classes)",
        description=(
            "Land cover of every pixel in seven classes, from one Sentinel-2 image of either "
            "level. Learned from very few places: water is dependable; crops against grass and "
            "shrubs, and built-up against bare ground, need more than one date or your own labels "
            "(fine-tune). Clouds have no class: mask them first. Wetland is mapped as what it "
            "looks like."
        ),
        bands=CARD_BANDS,
        window=WINDOW,
        gsd=10.0,
        unit="reflectance",
        normalisation=base.normalisation,
        spectral_patch=3,
        optional_groups=(RED_EDGE,),
        classes=CLASSES,
        architecture=network.architecture(),
        training={
            "method": (
                "frozen pretrained encoder; a small network on each pixel's spectrum, its "
                "surroundings and the tokens; smoothed and partial labels"
            ),
            "steps": STEPS,
            "batch": BATCH,
            "learning_rate": LEARNING_RATE,
            "seed": SEED,
            "pixels": len(samples.label),
            "data": [
                "TerraMesh, five places at both levels, land-cover product where the spectrum "
                "does not contradict it (CC BY-SA 4.0)",
                "EuroSAT, chips of one class as weak labels, also as surface reflectance (MIT)",
                "Boadella, water and not water of two dates without the shore (MIT)",
                "water, snow, bare ground and not water by spectral rules on unlabelled images: OSCD (pixels "
                "only), Major TOM, SSL4EO-S12, DSen2, BigEarthNet, ships",
                "towns and open land by roughness, where both dates of an OSCD city agree (pixels only), "
                "also as surface reflectance",
                "backbone: see its card",
            ],
            "choices": (
                "the thresholds of the rules and the sampling were chosen while looking at the "
                "held-out figures, Boadella's and the village's among them: expect a little less "
                "elsewhere"
            ),
        },
        accuracy=accuracy,
        licence="CC-BY-SA-4.0",
        attribution=(
            "Contains modified Copernicus Sentinel data. TerraMesh (CC BY-SA 4.0), EuroSAT, "
            "Boadella of EOTDL. " + base.attribution
        ),
    )

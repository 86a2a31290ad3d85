"""The shipped scene model: EuroSAT's ten classes, for windows of 64 x 64 pixels.

The collection has 89 chips here, about nine per class. A network trained end to end on 71 of them
memorises the chips. So everything below the last layer is made without labels (the pretrained encoder,
a patch dictionary, fixed measurements), and the last layer is a linear rule with a unique solution,
the same that fine-tuning fits to the user's own scenes.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..cards import Card, ModelClass
from ..export.onnx import export_onnx
from ..model.predictor import Predictor
from ..progress import Progress
from ..train.base_model import Base, open_base
from ..train.calibration import calibrate
from ..train.fresh_network import CARD_BANDS, RED_EDGE
from ..train.scene_chips import SceneChips, array_chips
from ..train.scene_head import SHRINKAGE, WEIGHTS, fit_scenes, install, scene_scores
from ..train.scene_samples import SceneSamples, build_scenes, classifier, learn_patches, measure
from ..train.scene_tuning import EXPORT_TOLERANCE
from . import collections
from .probe import stratified_folds

SEED = 3
REPEATS = 10
WINDOW = 64
TOKENS = 0.5  # weight of the tokens, relative to blocks with weight 1
ALL_GROUPS, NO_RED_EDGE = (0, 1, 2), (0, 2)
# Weights of further forms, relative to 1 for the unchanged chip. Without the surface form little more than half of the
# chips are classified correctly as surface reflectance, which most users have.
SURFACE, REDUCED = 0.5, 0.1
CLASSES = {
    "AnnualCrop": ("Annual crop", "#e6c84b"),
    "Forest": ("Forest", "#1a7a32"),
    "HerbaceousVegetation": ("Herbaceous vegetation", "#b5cf6b"),
    "Highway": ("Highway", "#5a5a5a"),
    "Industrial": ("Industrial", "#a569bd"),
    "Pasture": ("Pasture", "#7fd15e"),
    "PermanentCrop": ("Permanent crop", "#d98c3a"),
    "Residential": ("Residential", "#e0473c"),
    "River": ("River", "#4da6e8"),
    "SeaLake": ("Sea or lake", "#1f5fa8"),
}


def make(data: Path, out: Path, progress: Progress) -> Path:
    """Makes scenes.onnx in `out` from backbone.safetensors in the same folder; returns the file."""
    train(data, out, out / "backbone.safetensors", progress)
    return out / "scenes.onnx"


def train(data: Path, out: Path, backbone: Path, progress: Progress) -> Card:
    """Cross-validates, fits the shipped model to all chips, and writes it.

    Args:
        data: Root of the shared collections.
        out: Folder of the models.
        backbone: The pretrained encoder.
        progress: Takes progress and log.

    Returns:
        The card of scenes.onnx.
    """
    base = open_base(str(backbone))
    images, labels, names = collections.eurosat(data)
    card = scenes_card(base, names)
    progress.update(0.02, "Learning a dictionary of patches")
    predictor = build_scenes(base, card, WINDOW)
    learn_patches(predictor, dictionary_images(data), SEED)
    progress.update(0.1, "Measuring the chips")
    surface = to_surface(images, *surface_regression(data))
    samples = measure_forms(predictor, images, surface, labels, progress.part(0.1, 0.7))
    accuracy, temperature = cross_validate(samples, names)
    progress.log(f"Scenes, held out: {accuracy['overall_accuracy']}")
    fit_all(predictor, samples, temperature)
    card = dataclasses.replace(
        card, accuracy=accuracy, architecture=classifier(predictor).architecture()
    )
    progress.update(0.9, "Exporting")
    out.mkdir(parents=True, exist_ok=True)
    predictor = Predictor(predictor.network, card)
    export_onnx(predictor, card, out / "scenes.onnx", half=True, tolerance=EXPORT_TOLERANCE)
    return card


def dictionary_images(data: Path) -> list[Tensor]:
    """Unlabelled images for the dictionary, of places on which no shipped model is tested."""
    scenes: list[collections.Scene] = []
    for city in collections.oscd_cities(data, labelled=False):
        scenes += collections.oscd_pair(data, city)[:2]
    scenes += collections.formats(data)
    scenes += collections.dsen2(data)
    scenes += [scene for scene, _ in collections.bigearthnet(data)]
    return [torch.from_numpy(scene.image) for scene in scenes]


def surface_regression(data: Path) -> tuple[np.ndarray, np.ndarray]:
    """Slopes and intercepts [9] of a regression from top-of-atmosphere to surface reflectance.

    It is fitted to TerraMesh, which has the same places at both levels, without the snow scene and
    without the extremes of each band (clouds, clipped shadows).
    """
    pairs = []
    for place in collections.TERRAMESH_PLACES:
        if place.startswith("609U"):
            continue
        top, _ = collections.terramesh(data, place, "L1C")
        bottom, _ = collections.terramesh(data, place, "L2A")
        pairs.append(np.stack([top.image[:, top.valid], bottom.image[:, top.valid]]))
    stack = np.concatenate(pairs, 2)  # [2, 9, N]
    slopes, intercepts = [], []
    for before, after in stack.swapaxes(0, 1):
        middle = (before < np.quantile(before, 0.99)) & (after > 0.005)
        slope, intercept = np.polyfit(before[middle], after[middle], 1)
        slopes.append(slope)
        intercepts.append(intercept)
    return np.array(slopes), np.array(intercepts)


def to_surface(chips: np.ndarray, slope: np.ndarray, intercept: np.ndarray) -> np.ndarray:
    """Converts chips [N, 9, H, W] to surface reflectance, at least 0."""
    moved = chips * slope[:, None, None] + intercept[:, None, None]
    return np.maximum(moved, 0).astype(np.float32)


def measure_forms(
    predictor: Predictor,
    images: np.ndarray,
    surface: np.ndarray,
    labels: np.ndarray,
    progress: Progress,
) -> SceneSamples:
    """Computes the features of every chip in several forms.

    Returns:
        Samples with the views: the unchanged chip (L1C), its augmented copies, the chip as surface reflectance, and
        without red edge.
    """

    def chips(values: np.ndarray, groups: tuple[int, ...]) -> SceneChips:
        return array_chips(values, labels, len(CLASSES), groups)

    plain = measure(predictor, chips(images, ALL_GROUPS), seed=SEED, progress=progress.part(0, 0.7))
    parts = [plain.features]
    for number, (values, groups) in enumerate(((surface, ALL_GROUPS), (images, NO_RED_EDGE))):
        part = progress.part(0.7 + 0.15 * number, 0.85 + 0.15 * number)
        parts.append(measure(predictor, chips(values, groups), copies=0, progress=part).features)
    return dataclasses.replace(
        plain,
        features=np.concatenate(parts),
        weight=np.concatenate([plain.weight, [SURFACE, REDUCED]]),
    )


def fit_all(predictor: Predictor, samples: SceneSamples, temperature: float) -> None:
    """Fits the last layer to all chips and installs it in the network."""
    network = classifier(predictor)
    model = fit_scenes(samples, np.ones(len(samples.chips), bool), TOKENS)
    install(network, model, temperature, np.zeros(len(CLASSES)))
    # Round weights to float16, as they are stored in the file, so that the comparison at export is exact.
    with torch.no_grad():
        for values in network.state_dict().values():
            if values.numel() >= 1024:
                values.copy_(values.half())


def cross_validate(samples: SceneSamples, names: tuple[str, ...]) -> tuple[dict[str, Any], float]:
    """Figures of repeated stratified 5-fold cross-validation, and the temperature of the softmax.

    The temperature is the only number that is chosen on held-out scores, by their likelihood.
    """
    labels = samples.chips.label
    forms = {"plain": 0, "surface": -2, "reduced": -1}
    scores = {name: np.zeros((REPEATS, labels.size, len(names))) for name in forms}
    for repeat in range(REPEATS):
        for test in stratified_folds(labels, 5, np.random.default_rng(repeat)):
            model = fit_scenes(samples, ~test, TOKENS)
            for name, view in forms.items():
                found = scene_scores(model, samples.features[view], samples.chips)
                scores[name][repeat, test] = found[test]
    held, truth = scores["plain"].reshape(-1, len(names)), np.tile(labels, REPEATS)
    temperature, _ = calibrate(held, truth)
    accuracies = {name: (score.argmax(2) == labels).mean(1) for name, score in scores.items()}
    mean = float(accuracies["plain"].mean())
    plain = scores["plain"].argmax(2)
    recall = {
        name: round(float((plain[:, labels == number] == number).mean()), 3)
        for number, name in enumerate(names)
    }
    figures = {
        "measure": (
            f"{REPEATS} x stratified 5-fold cross-validation over {labels.size} chips, no two of "
            "which touch or overlap; spread is over the repeats"
        ),
        "overall_accuracy": round(mean, 4),
        "overall_accuracy_spread": round(float(accuracies["plain"].std()), 4),
        "standard_error_of_the_sample": round(float(np.sqrt(mean * (1 - mean) / labels.size)), 4),
        "without_red_edge": round(float(accuracies["reduced"].mean()), 4),
        "as_surface_reflectance": round(float(accuracies["surface"].mean()), 4),
        "recall": recall,
        "negative_log_likelihood": round(_loss(held / temperature, truth), 4),
        "temperature": round(temperature, 4),
    }
    return figures, temperature


def _loss(scores: np.ndarray, labels: np.ndarray) -> float:
    scores = scores - scores.max(1, keepdims=True)
    chances = scores - np.log(np.exp(scores).sum(1, keepdims=True))
    return -float(chances[np.arange(labels.size), labels].mean())


def scenes_card(base: Base, names: tuple[str, ...]) -> Card:
    """The card of the shipped model, without figures and architecture."""
    return Card(
        name="scenes",
        task="scene-classification",
        title="Scenes of Europe (EuroSAT's ten classes)",
        description=(
            "Labels windows of 640 m with one of EuroSAT's ten classes. Learned from 89 labelled "
            "chips of Europe in the growing season; other continents, winter, snow and clouds are "
            "not among them, and a window with several kinds of land gets the label of one. "
            "Herbaceous vegetation, permanent crop and highway are the weakest: look at the "
            "probabilities."
        ),
        bands=CARD_BANDS,
        window=WINDOW,
        gsd=10.0,
        unit="reflectance",
        normalisation=base.card.normalisation,
        spectral_patch=3,
        optional_groups=(RED_EDGE,),
        classes=tuple(
            ModelClass(number + 1, name, *CLASSES[name]) for number, name in enumerate(names)
        ),
        training={
            "method": (
                "frozen pretrained encoder, patch dictionary learned without labels, fixed "
                "measurements of six bands, correlations of bands among them; last layer the mean of "
                "shrinkage discriminants of each block and a logistic regression on all"
            ),
            "shrinkage": SHRINKAGE,
            "block_weights": {"patches": WEIGHTS["patches"], "tokens": TOKENS, "others": 1.0},
            "seed": SEED,
            "forms": (
                "each chip as it is (L1C), two copies turned and under another light, as surface "
                "reflectance (regression of TerraMesh's L2A on L1C), and without red edge"
            ),
            "data": [
                "EuroSAT, 89 chips (MIT)",
                "TerraMesh, both levels of four places, for the regression alone (CC BY-SA 4.0)",
                "unlabelled images of the dictionary: OSCD cities without a change map (pixels "
                "only), Major TOM, SSL4EO-S12, DSen2, BigEarthNet",
                "backbone: see its card",
            ],
            "choices": (
                "the measurements, their weights and the shrinkage were chosen while looking at "
                "cross-validation over these same chips, correlations and regression in other divisions "
                "than those of the figures: expect a few hundredths less elsewhere"
            ),
        },
        licence="CC-BY-SA-4.0",
        attribution=(
            "Contains modified Copernicus Sentinel data. EuroSAT: Helber et al. 2019 (MIT). "
            + base.card.attribution
        ),
    )

"""The scene model that ships: EuroSAT's ten classes of 64 x 64 windows.

The collection here has 89 chips, about nine a class. A network fitted end to end to 71 of them
learns the chips, so what is below the last layer is made without labels (the pretrained encoder, a
dictionary of patches, fixed measurements), and the last layer has a closed-form fit.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..cards import Card, ModelClass, Normalisation
from ..checkpoint import load
from ..export.onnx import export_onnx
from ..model.encoder import SpectralBackbone
from ..model.normalise import normalisation
from ..model.pixel_classifier import PixelClassifier
from ..model.pixel_statistics import learn_dictionary
from ..model.predictor import Predictor
from ..progress import Progress
from ..train.discriminant import LinearScores, fit_discriminant
from . import collections
from .backbone import CARD_BANDS, RED_EDGE
from .probe import stratified_folds

SEED = 3
REPEATS = 10
WINDOW = 64
SHRINKAGE = 0.4
# Texture carries most of what tells the classes apart: the learned patches count three times.
BLOCK_WEIGHTS = {"patches": 3.0, "tokens": 0.5}
TOLERANCE = 0.3  # of the patch dictionary
NO_RED_EDGE = (0, 2)
# The export is compared on noise, which has every texture at once: its scores are large, and so
# are their rounding errors, also with weights of full precision.
EXPORT_TOLERANCE = 3e-3
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


@dataclass(frozen=True)
class ChipFeatures:
    """Features of every chip [N, F] as it is, as surface reflectance, and without red edge.

    Attributes:
        plain: Top-of-atmosphere reflectance, as the chips are.
        surface: The chips as surface reflectance, by regression.
        reduced: As `plain` without the red edge group.
    """

    plain: np.ndarray
    surface: np.ndarray
    reduced: np.ndarray


def make(data: Path, out: Path, progress: Progress) -> Path:
    """Makes scenes.onnx in `out`, from backbone.safetensors beside it; returns the file."""
    train(data, out, out / "backbone.safetensors", progress)
    return out / "scenes.onnx"


def train(data: Path, out: Path, backbone: Path, progress: Progress) -> Card:
    """Cross-validates, fits the model that ships to all chips and writes it.

    Args:
        data: Root of the shared collections.
        out: Folder of the models.
        backbone: The pretrained encoder.
        progress: Told how far it is.

    Returns:
        The card of scenes.onnx.
    """
    torch.manual_seed(SEED)
    pretrained, base = load(backbone)
    chips, labels, names = collections.eurosat(data)
    progress.update(0.02, "Learning a dictionary of patches")
    network = build(pretrained, base.normalisation, dictionary_images(data))
    progress.update(0.1, "Measuring the chips")
    surface = to_surface(chips, *surface_regression(data))
    features = measure(network, base.normalisation, chips, surface, progress.part(0.1, 0.7))
    accuracy, temperature = cross_validate(network, features, labels, names)
    progress.log(f"Scenes, held out: {accuracy['overall_accuracy']}")
    install(network, fit(network, features, labels, np.ones(labels.size, bool)), temperature)
    card = scenes_card(network, base, names, accuracy)
    progress.update(0.9, "Exporting")
    out.mkdir(parents=True, exist_ok=True)
    predictor = Predictor(network, card)
    export_onnx(predictor, card, out / "scenes.onnx", half=True, tolerance=EXPORT_TOLERANCE)
    return card


def dictionary_images(data: Path) -> list[Tensor]:
    """Unlabelled images for the dictionary: no place on which a shipped model is measured."""
    scenes: list[collections.Scene] = []
    for city in collections.oscd_cities(data, labelled=False):
        scenes += collections.oscd_pair(data, city)[:2]
    scenes += collections.formats(data)
    scenes += collections.dsen2(data)
    scenes += [scene for scene, _ in collections.bigearthnet(data)]
    return [torch.from_numpy(scene.image) for scene in scenes]


def build(
    pretrained: torch.nn.Module, kind: Normalisation, images: list[Tensor]
) -> PixelClassifier:
    """The network with all that needs no labels in place."""
    if not isinstance(pretrained, SpectralBackbone):
        raise TypeError(f"The backbone is a {type(pretrained).__name__}, expected an encoder.")
    config = dataclasses.replace(pretrained.config, image_size=WINDOW)
    network = PixelClassifier(config, len(CLASSES), kind.mean, kind.std)
    network.encoder.load_backbone(pretrained.state_dict())
    network.statistics.set_dictionary(*learn_dictionary(images, tolerance=TOLERANCE, seed=SEED))
    return network.eval()


def surface_regression(data: Path) -> tuple[np.ndarray, np.ndarray]:
    """Slope and intercept [9] from top-of-atmosphere to surface reflectance.

    TerraMesh has the same places at both levels; the snow scene is left out, and what is outside
    the middle of each band (clouds, clipped shadows).
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
    """Chips [N, 9, H, W] as surface reflectance, at least 0."""
    moved = chips * slope[:, None, None] + intercept[:, None, None]
    return np.maximum(moved, 0).astype(np.float32)


@torch.no_grad()
def measure(
    network: PixelClassifier,
    kind: Normalisation,
    chips: np.ndarray,
    surface: np.ndarray,
    progress: Progress,
) -> ChipFeatures:
    """Features of every chip in its three forms."""
    normalise = normalisation(kind, len(CARD_BANDS))
    forms = ((chips, None), (surface, None), (chips, NO_RED_EDGE))
    results = []
    for number, (images, groups) in enumerate(forms):
        present = None if groups is None else torch.tensor(groups)
        parts = []
        for part in torch.from_numpy(images).split(16):
            image = normalise(part, torch.ones(len(part), 1, WINDOW, WINDOW))
            if groups is not None:
                image[:, 3 * RED_EDGE : 3 * RED_EDGE + 3] = 0
            parts.append(network.features(image, present).double().numpy())
            progress.check()
        results.append(np.concatenate(parts))
        progress.update((number + 1) / len(forms), "Measuring the chips")
    return ChipFeatures(*results)


def fit(
    network: PixelClassifier, features: ChipFeatures, labels: np.ndarray, chosen: np.ndarray
) -> LinearScores:
    """Fits the last layer to the chosen chips, each in its three forms."""
    forms = (features.plain, features.surface, features.reduced)
    blocks = [(width, BLOCK_WEIGHTS.get(name, 1.0)) for name, width in network.blocks.items()]
    stacked = np.concatenate([form[chosen] for form in forms])
    return fit_discriminant(stacked, np.tile(labels[chosen], len(forms)), blocks, SHRINKAGE)


def cross_validate(
    network: PixelClassifier, features: ChipFeatures, labels: np.ndarray, names: tuple[str, ...]
) -> tuple[dict[str, Any], float]:
    """Held-out figures of repeated stratified 5-fold, and the temperature of the softmax.

    The temperature is the one number that is chosen on held-out scores (by their likelihood).
    """
    forms = dataclasses.asdict(features)
    scores = {name: np.zeros((REPEATS, labels.size, len(names))) for name in forms}
    for repeat in range(REPEATS):
        random = np.random.default_rng(repeat)
        for test in stratified_folds(labels, 5, random):
            model = fit(network, features, labels, ~test)
            for name, form in forms.items():
                scores[name][repeat, test] = model(form[test])
    candidates = np.geomspace(0.05, 5, 60)
    losses = [
        -_log_softmax(scores["plain"] / value)[:, np.arange(labels.size), labels].mean()
        for value in candidates
    ]
    temperature = float(candidates[int(np.argmin(losses))])
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
        "negative_log_likelihood": round(float(min(losses)), 4),
        "temperature": round(temperature, 4),
    }
    return figures, temperature


def install(network: PixelClassifier, model: LinearScores, temperature: float) -> None:
    """Puts a fit into the network's last layer."""
    with torch.no_grad():
        network.feature_mean.copy_(torch.from_numpy(model.mean))
        network.feature_scale.copy_(torch.from_numpy(model.scale))
        network.head.weight.copy_(torch.from_numpy(model.weight / temperature))
        network.head.bias.copy_(torch.from_numpy(model.bias / temperature))
        # The file stores weights as float16: the network that is compared with it has the same.
        for values in network.state_dict().values():
            if values.numel() >= 1024:
                values.copy_(values.half())


def _log_softmax(scores: np.ndarray) -> np.ndarray:
    scores = scores - scores.max(-1, keepdims=True)
    return scores - np.log(np.exp(scores).sum(-1, keepdims=True))


def scenes_card(
    network: PixelClassifier, base: Card, names: tuple[str, ...], accuracy: dict[str, Any]
) -> Card:
    """The card of the model that ships."""
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
        normalisation=base.normalisation,
        spectral_patch=3,
        optional_groups=(RED_EDGE,),
        classes=tuple(
            ModelClass(number + 1, name, *CLASSES[name]) for number, name in enumerate(names)
        ),
        architecture=network.architecture(),
        training={
            "method": (
                "frozen pretrained encoder, patch dictionary learned without labels, fixed "
                "measurements of six bands; last layer by shrinkage discriminants in closed form"
            ),
            "shrinkage": SHRINKAGE,
            "block_weights": {name: BLOCK_WEIGHTS.get(name, 1.0) for name in network.blocks},
            "seed": SEED,
            "forms": (
                "each chip as it is (L1C), as surface reflectance (regression of TerraMesh's L2A "
                "on L1C), and without red edge"
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
                "cross-validation over these same chips: expect a few hundredths less elsewhere"
            ),
        },
        accuracy=accuracy,
        licence="CC-BY-SA-4.0",
        attribution=(
            "Contains modified Copernicus Sentinel data. EuroSAT: Helber et al. 2019 (MIT). "
            + base.attribution
        ),
    )

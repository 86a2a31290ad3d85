"""Land-cover labels from the collections: products, chips, masks, and spectral rules.

None of them is ground truth for every pixel. Labels that contradict the spectrum are ignored, and
partial knowledge (such as a mask of water and not water) is used as partial labels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from . import collections
from .collections import Scene
from .scenes import surface_regression, to_surface

WATER, TREES, CROPS, BUILT, BARE, RANGE, SNOW = range(7)
SHORE = 252
NOT_BUILT = 253
NOT_WATER = 254
# Classes that a partial label excludes.
EXCLUDED = {SHORE: (WATER, BUILT), NOT_BUILT: (BUILT,), NOT_WATER: (WATER,)}
IGNORE = 255
TRUST = 0.5  # weight of labels by rule
# Values of TerraMesh's product; there are too few flooded vegetation and clouds to learn or test them.
PRODUCT = {1: WATER, 2: TREES, 4: CROPS, 5: BUILT, 6: BARE, 7: SNOW, 9: RANGE}


@dataclass(frozen=True)
class Labelled:
    """A scene with labels of some of its pixels.

    Attributes:
        scene: The image.
        label: A class, a partial label or `IGNORE`, uint8 [H, W].
        place: Name of the place; scenes of one place must be held out together.
        weight: Relative trust in the labels.
    """

    scene: Scene
    label: np.ndarray
    place: str
    weight: float = 1.0


def training_scenes(data: Path) -> list[Labelled]:
    """All training scenes of the land-cover model except OSCD's cities (`landcover_towns.city_labels`).

    RStoolbox's village is excluded, as its licence (GPL-3.0) differs from the model's, and a place
    that no model has seen is more useful as a check.
    """
    return [
        *_terramesh(data),
        *_eurosat(data),
        *_boadella(data),
        *_by_rule(data),
    ]


def product_classes(product: np.ndarray) -> np.ndarray:
    """Converts TerraMesh's values to our classes, uint8; `IGNORE` for other values."""
    label = np.full(product.shape, IGNORE, np.uint8)
    for value, number in PRODUCT.items():
        label[product == value] = number
    return label


def difference(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Normalised difference of two bands."""
    return (first - second) / np.maximum(first + second, 0.01)


def indices(image: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """NDVI, NDWI (green, near infrared) and MNDWI (green, short-wave infrared) of reflectance [9, H, W]."""
    image = np.maximum(image, 0)
    green, red, near, short = image[1], image[2], image[6], image[7]
    return difference(near, red), difference(green, near), difference(green, short)


def _terramesh(data: Path) -> list[Labelled]:
    """TerraMesh's product where surface reflectance does not contradict it."""
    found = []
    for place in collections.TERRAMESH_PLACES:
        surface, product = collections.terramesh(data, place, "L2A")
        ndvi, ndwi, mndwi = indices(surface.image)
        label = product_classes(product)
        wet = (mndwi > 0) & (ndvi < 0.2)
        wrong = (label == WATER) & ~wet
        wrong |= (label != WATER) & (label != SNOW) & (mndwi > 0.2) & (ndwi > 0.1)
        wrong |= (label == TREES) & (ndvi < 0.5)
        wrong |= (label == BUILT) & (ndvi > 0.4)
        wrong |= (label == BARE) & (ndvi > 0.35)
        label[wrong] = IGNORE
        top, _ = collections.terramesh(data, place, "L1C")
        found += [Labelled(scene, label, f"terramesh/{place}") for scene in (top, surface)]
    return found


def _eurosat(data: Path) -> list[Labelled]:
    """EuroSAT chips of one class, labelled where pixels look like it; highways label none of their pixels."""
    rules: dict[str, tuple[int, Callable[[np.ndarray, np.ndarray], np.ndarray]]] = {
        "AnnualCrop": (CROPS, lambda ndvi, mndwi: mndwi < 0),
        "PermanentCrop": (CROPS, lambda ndvi, mndwi: mndwi < 0),
        "Forest": (TREES, lambda ndvi, mndwi: ndvi > 0.45),
        "HerbaceousVegetation": (RANGE, lambda ndvi, mndwi: (ndvi > 0.15) & (ndvi < 0.6)),
        "Pasture": (RANGE, lambda ndvi, mndwi: ndvi > 0.35),
        "Residential": (BUILT, lambda ndvi, mndwi: ndvi < 0.35),
        "Industrial": (BUILT, lambda ndvi, mndwi: ndvi < 0.3),
        "SeaLake": (WATER, lambda ndvi, mndwi: mndwi > 0.1),
        "River": (WATER, lambda ndvi, mndwi: (mndwi > 0.2) & (ndvi < 0)),
    }
    chips, labels, names = collections.eurosat(data)
    surface = to_surface(chips, *surface_regression(data))
    found = []
    for number, (chip, index) in enumerate(zip(chips, labels)):
        if names[index] not in rules:
            continue
        kind, rule = rules[names[index]]
        ndvi, _, mndwi = indices(chip)
        label = np.where(rule(ndvi, mndwi), kind, IGNORE).astype(np.uint8)
        name = f"eurosat/{number}"
        for level, image in (("L1C", chip), ("L2A", surface[number])):
            found.append(
                Labelled(Scene(name, image, np.ones(label.shape, bool), level), label, name)
            )
    return found


def _boadella(data: Path) -> list[Labelled]:
    """Water and not water, without the shore, as the mask is accurate to a pixel or two only."""
    found = []
    for date in collections.BOADELLA_LABELLED:
        scene, mask = collections.boadella(data, date)
        if mask is None:
            continue
        label = np.full(mask.shape, IGNORE, np.uint8)
        label[_shrink(mask == 1)] = WATER
        label[_shrink(mask == 0)] = NOT_WATER
        found.append(Labelled(scene, label, "boadella"))
    return found


def boadella_agreed(data: Path) -> np.ndarray:
    """Where the reservoir's two masks agree, bool [H, W].

    The water level was the same on both dates, as the masks coincide along sunlit shores. The winter
    mask lacks water in the shadow of the southern slopes, and floating matter.
    """
    masks = [collections.boadella(data, date)[1] for date in collections.BOADELLA_LABELLED]
    first, second = (mask for mask in masks if mask is not None)
    return np.asarray(first == second)


def _by_rule(data: Path) -> list[Labelled]:
    """Water, snow, bare ground and not water in unlabelled images, where spectra are unambiguous."""
    scenes = [*collections.formats(data), *collections.dsen2(data), *collections.ships(data)[::6]]
    scenes += [scene for scene, _ in collections.bigearthnet(data)]
    return [Labelled(scene, rule_labels(scene), scene.name, TRUST) for scene in scenes]


def rule_labels(scene: Scene) -> np.ndarray:
    """Labels water, snow, bare ground and not water by spectral rules; uint8 [H, W].

    Bare ground is dry, bright in the short-wave infrared, and smooth, unlike towns.
    """
    ndvi, ndwi, mndwi = indices(scene.image)
    green, red, near, short = (scene.image[band] for band in (1, 2, 6, 7))
    snow = (mndwi > 0.5) & (green > 0.35) & (near > 0.3)
    water = (mndwi > 0.2) & (ndwi > 0.2) & (near < 0.2) & (short < 0.12) & ~snow
    dry = ((ndvi > 0.4) & (near > 0.12)) | ((ndwi < 0.12) & (mndwi < 0.1) & (near > 0.08))
    down, across = np.gradient(red)
    bare = (ndvi < 0.1) & (short > 0.35) & (np.abs(down) + np.abs(across) < 0.012) & ~snow
    label = np.full(ndvi.shape, IGNORE, np.uint8)
    label[dry] = NOT_WATER
    # Mixed pixels of water and vegetation along a shore look like roofs.
    shore = ~water & (ndvi < 0.5) & _grow(water) & _grow(ndvi > 0.55)
    label[shore] = NOT_BUILT
    label[shore & dry] = SHORE
    label[bare] = BARE
    label[water] = WATER
    label[snow] = SNOW
    label[~scene.valid] = IGNORE
    return label


def _grow(mask: np.ndarray, pixels: int = 2) -> np.ndarray:
    """Dilates a mask by some pixels."""
    for _ in range(pixels):
        mask = ~_shrink(~mask)
    return mask


def _shrink(mask: np.ndarray) -> np.ndarray:
    """Erodes a mask by one pixel."""
    padded = np.pad(mask, 1, mode="edge")
    inner = mask.copy()
    height, width = mask.shape
    for down in range(3):
        for across in range(3):
            inner &= padded[down : down + height, across : across + width]
    return inner

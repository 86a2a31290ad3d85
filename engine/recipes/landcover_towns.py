"""Labels towns and open land in unlabelled pairs of dates, by rules about texture.

Towns are rough in any season: bright roofs beside shadows and streets. Fields and bare ground are
smooth, and a mosaic of fields that is rough on one date rarely is so on the other.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy.ndimage import uniform_filter

from . import collections
from .collections import Scene
from .landcover_labels import (
    BUILT,
    IGNORE,
    NOT_WATER,
    SHORE,
    TRUST,
    Labelled,
    indices,
    rule_labels,
)
from .scenes import surface_regression, to_surface

NEAR, WIDE = 7, 9  # sides of neighbourhoods, pixels
# Thresholds of `roughness`. Of the pixels of RStoolbox's houses four fifths lie between .24 and .43; both thresholds
# were set by visual inspection on eight OSCD cities.
ROUGH, SMOOTH = 0.16, 0.07
FLOOR = 0.03  # reflectance; limits the roughness of dark ground
# Share of a neighbourhood that must look like roofs and streets for its gardens to count as town too.
DENSE = 0.4
ALL_AROUND = 0.9  # share that must be smooth for open land, away from any rough ground


def city_labels(data: Path) -> Iterator[Labelled]:
    """Both dates of OSCD's cities, as L1C and as surface reflectance; without the change maps.

    The labels are those of `rule_labels`, and where both dates agree, towns (`BUILT`) and open land
    (neither water nor built: `SHORE`). All dates and forms of a city are one place.
    """
    regression = surface_regression(data)
    for city in collections.oscd_cities(data):
        before, after, _ = collections.oscd_pair(data, city)
        town, smooth = (rule(before) & rule(after) for rule in (towns, open_land))
        for scene in (before, after):
            label = rule_labels(scene)
            free = np.isin(label, (IGNORE, NOT_WATER)) & scene.valid
            label[free & smooth] = SHORE
            label[free & town] = BUILT
            image = to_surface(scene.image[None], *regression)[0]
            surface = dataclasses.replace(scene, image=image, level="L2A")
            for form in (scene, surface):
                yield Labelled(form, label, f"oscd/{city}", TRUST)


def towns(scene: Scene) -> np.ndarray:
    """Roofs, streets and the ground among them except trees and water, bool [H, W]."""
    ndvi, ndwi, mndwi = indices(scene.image)
    near = scene.image[6]
    roofs = (ndvi < 0.35) & (ndwi < 0) & (mndwi < 0.1) & (near > 0.07) & (roughness(scene) > ROUGH)
    dense = share_around(roofs) > DENSE
    return np.asarray(dense & (ndvi < 0.5) & (mndwi < 0.1))


def open_land(scene: Scene) -> np.ndarray:
    """Dry ground in smooth surroundings, bool [H, W]."""
    _, ndwi, mndwi = indices(scene.image)
    smooth = share_around(roughness(scene) < SMOOTH) > ALL_AROUND
    return np.asarray(smooth & (ndwi < 0) & (mndwi < 0))


def roughness(scene: Scene) -> np.ndarray:
    """Mean gradient of visible brightness, divided by its mean above the scene's first percentile [H, W].

    The percentile is subtracted as haze brightens a whole scene evenly.
    """
    bright = scene.image[:3].mean(0)
    darkest = np.quantile(bright[scene.valid], 0.01)
    down, across = np.gradient(bright)
    slope = uniform_filter(np.abs(down) + np.abs(across), WIDE, mode="mirror")
    above = uniform_filter(bright, WIDE, mode="mirror") - darkest
    return np.asarray(slope / np.maximum(above + FLOOR, FLOOR))


def share_around(mask: np.ndarray) -> np.ndarray:
    """Share of each pixel's neighbourhood that is in a mask [H, W]."""
    return np.asarray(uniform_filter(mask.astype(np.float32), NEAR, mode="mirror"))

"""Towns and open land in pairs of dates without labels, by rules about roughness.

A town is rough at any season: bright roofs beside shadows and streets. Fields and bare ground are
smooth within, and a field that is cut up by its neighbours on one date is seldom so on another.
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
# Of visible brightness from pixel to pixel, relative to its mean above the darkest of the scene. Of RStoolbox's
# houses four fifths lie between .24 and .43; both cuts were set while looking at them on eight OSCD cities.
ROUGH, SMOOTH = 0.16, 0.07
FLOOR = 0.03  # reflectance; keeps the roughness of dark ground tame
# Share of a neighbourhood that must look like roofs and streets for its gardens to be town, too.
DENSE = 0.4
ALL_AROUND = 0.9  # likewise of open land, which begins some pixels from anything rough


def city_labels(data: Path) -> Iterator[Labelled]:
    """OSCD's cities, both dates, as they are (L1C) and as surface reflectance; pixels only.

    The labels are those of `rule_labels`, and where both dates agree towns (`BUILT`) and open land
    (neither water nor built: `SHORE`). The two dates and forms of a city are one place.
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
    """Roofs, streets and what lies among them but trees and water, bool [H, W]."""
    ndvi, ndwi, mndwi = indices(scene.image)
    near = scene.image[6]
    roofs = (ndvi < 0.35) & (ndwi < 0) & (mndwi < 0.1) & (near > 0.07) & (roughness(scene) > ROUGH)
    dense = share_around(roofs) > DENSE
    return np.asarray(dense & (ndvi < 0.5) & (mndwi < 0.1))


def open_land(scene: Scene) -> np.ndarray:
    """Dry ground that is smooth all around, bool [H, W]."""
    _, ndwi, mndwi = indices(scene.image)
    smooth = share_around(roughness(scene) < SMOOTH) > ALL_AROUND
    return np.asarray(smooth & (ndwi < 0) & (mndwi < 0))


def roughness(scene: Scene) -> np.ndarray:
    """Mean slope of visible brightness by its mean above the scene's darkest hundredth, [H, W].

    Haze brightens all of a scene alike, which is why the darkest is taken off.
    """
    bright = scene.image[:3].mean(0)
    darkest = np.quantile(bright[scene.valid], 0.01)
    down, across = np.gradient(bright)
    slope = uniform_filter(np.abs(down) + np.abs(across), WIDE, mode="mirror")
    above = uniform_filter(bright, WIDE, mode="mirror") - darkest
    return np.asarray(slope / np.maximum(above + FLOOR, FLOOR))


def share_around(mask: np.ndarray) -> np.ndarray:
    """Share of each pixel's neighbourhood that is in a mask, [H, W]."""
    return np.asarray(uniform_filter(mask.astype(np.float32), NEAR, mode="mirror"))

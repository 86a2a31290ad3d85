"""Recognises labels that a model was trained on. A card keeps their fingerprints, which do not reveal the places."""

from __future__ import annotations

import hashlib
from collections.abc import Collection

import numpy as np
import pyproj
import shapely

from .vectors import Features

FINGERPRINTS = "label_fingerprints"  # key in a card's training
_DIGITS = 5  # of degrees, about one metre: more than a change of CRS moves a point
_LENGTH = 8  # hexadecimal digits
_KEPT = 1000


def fingerprints(features: Features) -> list[str]:
    """A fingerprint of each feature, by its first vertex and the number of them; copies in another CRS have the same.

    Empty geometries have none.
    """
    filled = features.geometries[shapely.get_num_coordinates(features.geometries) > 0]
    vertices = shapely.get_num_coordinates(filled)
    first = np.concatenate([[0], np.cumsum(vertices)[:-1]]).astype(int)[: len(filled)]
    x, y = shapely.get_coordinates(filled)[first].T  # [n], of the CRS
    if features.crs is not None:
        move = pyproj.Transformer.from_crs(features.crs, "EPSG:4326", always_xy=True)
        x, y = move.transform(x, y)  # degrees
    texts = [
        f"{a + 0.0:.{_DIGITS}f} {b + 0.0:.{_DIGITS}f} {count}"  # + 0.0 makes 0 of -0
        for a, b, count in zip(np.round(x, _DIGITS), np.round(y, _DIGITS), vertices)
    ]
    return [hashlib.sha256(text.encode()).hexdigest()[:_LENGTH] for text in texts]


def to_keep(found: Collection[str]) -> list[str]:
    """The fingerprints that a card keeps: the smallest ones, which are a random sample of many labels."""
    return sorted(set(found))[:_KEPT]


def count_known(found: Collection[str], kept: Collection[str]) -> tuple[int, int]:
    """How many labels a model was trained on.

    Args:
        found: The fingerprints of the labels.
        kept: The fingerprints in the model's card.

    Returns:
        The number of those that are known, and of those that could be: all, unless the card keeps only a sample.
    """
    largest = max(kept) if len(kept) >= _KEPT else "g"  # after every hexadecimal digit
    comparable = [item for item in found if item <= largest]
    known = set(kept)
    return sum(item in known for item in comparable), len(comparable)

"""Judges whether a model suits a raster: by its bands, then by the size of its pixels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .band_identity import BandDescriptor
from .bands import BandMatch, match_bands
from .cards import Band, Card
from .errors import BandMismatch

FITS, DOUBTFUL, UNFIT = "fits", "doubtful", "unfit"
SCALE_TOLERANCE = 1.5  # accepted ratio between the pixel sizes of raster and training data


@dataclass(frozen=True)
class Suitability:
    """How well a model suits a raster.

    Attributes:
        verdict: "fits"; "doubtful": it runs, but on pixels of another size than in training; "unfit": it does not run.
        match: The bands that would be used; None if it does not run.
        missing: Required bands that the raster lacks.
        left_out: Names of optional bands that the raster lacks.
        scale: Ratio of the raster's pixel size to that of the training data.
        reason: Why it does not run, with the message that a run would give; else empty.
    """

    verdict: str
    match: BandMatch | None
    missing: tuple[Band, ...]
    left_out: tuple[str, ...]
    scale: float
    reason: str = ""

    @property
    def rank(self) -> tuple[int, int, float]:
        """Key to sort the best first: by verdict, number of missing bands, and difference in pixel size."""
        return (
            (FITS, DOUBTFUL, UNFIT).index(self.verdict),
            len(self.missing) or len(self.left_out),
            abs(math.log(self.scale)),
        )


def suitability(
    card: Card, descriptors: Sequence[BandDescriptor], sensor: str, pixel: float
) -> Suitability:
    """Judges one model.

    Args:
        card: The model's card.
        descriptors: The raster's bands except alpha.
        sensor: The sensor known from file names or metadata, or empty.
        pixel: Side of a pixel on the ground, metres.
    """
    scale = pixel / card.gsd
    try:
        match = match_bands(
            descriptors, card.bands, card.spectral_patch, card.optional_groups, sensor=sensor
        )
    except BandMismatch as error:
        return Suitability(UNFIT, None, error.missing, (), scale, error.message)
    left_out = tuple(entry.model for entry in match.entries if entry.raster is None)
    too_large = scale > SCALE_TOLERANCE
    # Scenes are resampled to the model's pixel size, so only missing detail, that is too large pixels, is a problem.
    too_small = scale < 1 / SCALE_TOLERANCE and card.task != "scene-classification"
    return Suitability(DOUBTFUL if too_large or too_small else FITS, match, (), left_out, scale)

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
SCALE_TOLERANCE = 1.5  # pixels so many times larger or smaller than those learned from are as good


@dataclass(frozen=True)
class Suitability:
    """What a model would make of a raster.

    Attributes:
        verdict: "fits"; "doubtful": it runs, on pixels of another size than it learned from; "unfit": it does not run.
        match: The bands that would serve; None when it does not run.
        missing: Bands the model cannot do without and the raster lacks.
        left_out: Names of bands that the model does without.
        scale: Size of the raster's pixels over that of those the model learned from.
        reason: Why it does not run, in the words a run would use; else empty.
    """

    verdict: str
    match: BandMatch | None
    missing: tuple[Band, ...]
    left_out: tuple[str, ...]
    scale: float
    reason: str = ""

    @property
    def rank(self) -> tuple[int, int, float]:
        """Sorts the best first: verdict, bands left out, pixels of another size."""
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
        card: The model's.
        descriptors: The raster's bands, alpha left out.
        sensor: What file names or metadata tell, or empty.
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
    # Scenes are brought to the model's own pixels; only detail that is not there cannot be made.
    too_small = scale < 1 / SCALE_TOLERANCE and card.task != "scene-classification"
    return Suitability(DOUBTFUL if too_large or too_small else FITS, match, (), left_out, scale)

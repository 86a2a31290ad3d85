"""What a scene model looks at: windows in parts of the work, each counting for a cell or a zone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .mosaic import Feeds
from .tally import Tally

# Less of a cell or zone than this is too little to label it by.
ENOUGH = 0.5


@dataclass(frozen=True)
class Look:
    """One window that the model sees.

    Attributes:
        part: The part of the work that it belongs to: windows of different parts are never predicted together, so
            that each part gives the same wherever it is computed.
        place: Index of the feature it counts for.
        weight: How much, in valid pixels.
        feeds: The model's inputs.
    """

    part: int
    place: int
    weight: float
    feeds: Feeds


@dataclass(frozen=True)
class Found:
    """What looking at some parts gives besides what the model says.

    Attributes:
        parts: Which.
        geometries: Of a grid: outlines of the cells that were looked at.
        covered: Of zones: the share of each that is valid.
        sparse: Cells left out.
        tally: Windows.
    """

    parts: range
    geometries: tuple[Any, ...]
    covered: tuple[float, ...]
    sparse: int
    tally: Tally

"""The windows that a scene model sees, each of which counts for one feature: a cell of a grid, or a zone.

The work is divided into parts, which can be computed in any process and kept one by one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .model_inputs import Feeds
from .tally import Tally

# Share of a feature that must be valid for it to be labelled.
ENOUGH = 0.5


@dataclass(frozen=True)
class SceneWindow:
    """One window that the model sees.

    Attributes:
        part: Index of its part of the work. Windows of different parts are never predicted in one batch, so a part
            gives the same result wherever it is computed.
        feature: Index of the feature that it counts for.
        weight: How much it counts, in valid pixels.
        feeds: The model's inputs.
    """

    part: int
    feature: int
    weight: float
    feeds: Feeds


@dataclass(frozen=True)
class Coverage:
    """What reading the windows of some parts tells of their features.

    Attributes:
        parts: The parts.
        geometries: Outlines of the cells that can be labelled; empty for zones.
        covered: Valid share of each zone; empty for cells.
        sparse: Cells left out for lack of valid pixels; 0 for zones.
        tally: Counts of windows and pixels.
    """

    parts: range
    geometries: tuple[Any, ...]
    covered: tuple[float, ...]
    sparse: int
    tally: Tally

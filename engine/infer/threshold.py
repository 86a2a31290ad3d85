"""Finds the threshold between unchanged and changed in a scene's own scores.

A threshold that was right elsewhere is usually wrong here: seasons, haze and soil moisture shift all scores of a pair
of dates. The card's `threshold` therefore names a method, which sees the histogram of the scene's own scores.

    {"method": "fixed", "value": 0.5}
    {"method": "scene", "rule": "otsu"}
    {"method": "scene", "rule": "robust", "deviations": 3.0}
    {"method": "scene", "rule": "quantile", "share": 0.95}

"scene" takes "minimum" and "maximum" as bounds, and "rescale": true, which shifts the scene's scores on the logit
scale so that the threshold becomes 0.5: probability rasters of different scenes then compare.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelInvalid

BINS = 1024
Floats = NDArray[np.floating[Any]]

_EDGE = 1e-6


def score_edges() -> NDArray[np.float64]:
    """Bin edges of a histogram of scores between 0 and 1."""
    return np.linspace(0.0, 1.0, BINS + 1)


def scene_threshold(histogram: NDArray[Any], edges: Floats, spec: Mapping[str, Any]) -> float:
    """The threshold for one scene.

    Args:
        histogram: Number of pixels in each bin.
        edges: Edges of the bins, one more than bins.
        spec: The card's `threshold`; empty means a fixed 0.5.

    Returns:
        A score; pixels at or above it are changed.

    Raises:
        ModelInvalid: The method is not known.
    """
    method = spec.get("method", "fixed")
    if method == "fixed":
        return float(spec.get("value", 0.5))
    rule = spec.get("rule", "otsu")
    if method != "scene" or rule not in RULES:
        raise ModelInvalid(
            f"The model card asks for the threshold {dict(spec)}, which this version does not support. Update the "
            "plugin, or specify a threshold."
        )
    counts = np.asarray(histogram, np.float64)
    centres = (np.asarray(edges[:-1], np.float64) + np.asarray(edges[1:], np.float64)) / 2
    value = RULES[rule](counts, centres, spec) if counts.sum() > 0 else 0.5
    return float(np.clip(value, spec.get("minimum", _EDGE), spec.get("maximum", 1.0)))


def otsu(counts: Floats, centres: Floats, spec: Mapping[str, Any]) -> float:
    """The threshold with the least variance within the two classes (Otsu 1979), on the logit scale.

    Scores crowd at 0 and 1; on the logit scale the modes of both classes have comparable widths.
    """
    values = logit(centres)
    below = np.cumsum(counts)
    above = below[-1] - below
    sums = np.cumsum(counts * values)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (sums / below - (sums[-1] - sums) / above) ** 2
    between[~np.isfinite(between)] = 0
    # Empty bins between the two modes all score the same: take the middle of them.
    best = np.flatnonzero(between >= between.max() * (1 - 1e-12))
    low, high = int(best[0]), int(min(best[-1] + 1, len(values) - 1))
    return float(expit((values[low] + values[high]) / 2))


def robust(counts: Floats, centres: Floats, spec: Mapping[str, Any]) -> float:
    """Median of the logits plus some robust deviations (MAD): change is what stands out from the scene."""
    values = logit(centres)
    middle = _quantile(counts, values, 0.5)
    deviations = np.abs(values - middle)
    order = np.argsort(deviations)
    spread = 1.4826 * _quantile(counts[order], deviations[order], 0.5)
    return float(expit(middle + float(spec.get("deviations", 3.0)) * spread))


def quantile(counts: Floats, centres: Floats, spec: Mapping[str, Any]) -> float:
    """The score below which a given share of the scene lies."""
    return _quantile(counts, centres, float(spec.get("share", 0.95)))


RULES: dict[str, Callable[[Floats, Floats, Mapping[str, Any]], float]] = {
    "otsu": otsu,
    "robust": robust,
    "quantile": quantile,
}


def rescale(scores: NDArray[np.float32], cut: float) -> NDArray[np.float32]:
    """Shifts scores on the logit scale so that `cut` becomes 0.5; order is kept.

    Args:
        scores: Probabilities, any shape.
        cut: The scene's threshold.
    """
    shifted = logit(scores) - logit(np.float32(cut))
    return expit(shifted).astype(np.float32)


def logit(values: Any) -> Any:
    """Log odds, finite at 0 and 1."""
    clipped = np.clip(values, _EDGE, 1 - _EDGE)
    return np.log(clipped / (1 - clipped))


def expit(values: Any) -> Any:
    """Inverse of `logit`."""
    return 1 / (1 + np.exp(-values))


def _quantile(counts: Floats, values: Floats, share: float) -> float:
    cumulated = np.cumsum(counts)
    place = int(np.searchsorted(cumulated, share * cumulated[-1]))
    return float(values[min(place, len(values) - 1)])

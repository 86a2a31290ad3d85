"""Estimates with confidence intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

NAN = float("nan")


@dataclass(frozen=True)
class Estimate:
    """A figure and its confidence interval; NaN if undefined."""

    value: float
    low: float = NAN
    high: float = NAN

    def to_dict(self) -> dict[str, float | None]:
        """For JSON, with None for NaN."""
        return {"value": known(self.value), "low": known(self.low), "high": known(self.high)}


def known(value: float, digits: int = 6) -> float | None:
    """A rounded number for JSON; None for NaN and infinity."""
    return round(float(value), digits) if math.isfinite(value) else None


def deviate(confidence: float) -> float:
    """Half-width of a two-sided interval in standard errors: 1.96 for 95 percent."""
    return NormalDist().inv_cdf(0.5 + confidence / 200)


def student(confidence: float, freedom: int) -> float:
    """The same if the variance is estimated with few degrees of freedom (Cornish-Fisher, Hill 1970).

    At 95 percent it is within 1 percent of Student's t from four degrees on, and too small below.
    """
    z, v = deviate(confidence), max(freedom, 1)
    return (
        z
        + (z**3 + z) / (4 * v)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * v**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * v**3)
    )


def symmetric(value: float, error: float, confidence: float, most: float = 1.0) -> Estimate:
    """Normal interval around a value, clipped to 0..`most`.

    Args:
        value: The figure.
        error: Its standard error.
        confidence: Confidence of the interval, percent.
        most: Largest possible value of the figure.
    """
    half = deviate(confidence) * error
    low, high = value - half, value + half
    return Estimate(value, max(low, 0.0) if low == low else NAN, min(high, most))


def wilson(hits: float, trials: float, confidence: float) -> Estimate:
    """A share of independent trials with Wilson's score interval (1927).

    Args:
        hits: Number of successes.
        trials: Number of trials; may be an effective number, so fractional.
        confidence: Confidence of the interval, percent.
    """
    return _wilson(hits / trials if trials else NAN, trials, deviate(confidence))


def clustered(
    hit: NDArray[np.bool_],
    unit: NDArray[Any],
    confidence: float,
    weight: NDArray[Any] | None = None,
) -> Estimate:
    """A share of clustered samples, such as the pixels of polygons.

    The variance is that of the ratio estimator over the clusters. The interval is Wilson's for the effective sample
    size, the number of independent samples with this variance; so it stays within 0..1 and does not collapse if every
    sample is right. In that case each cluster counts as one sample.

    Args:
        hit: Successes [N].
        unit: Cluster of each sample [N].
        confidence: Confidence of the interval, percent.
        weight: Number of samples that each represents [N]; one each by default.

    Returns:
        The share over all samples; without an interval if there is only one cluster.
    """
    if not hit.size:
        return Estimate(NAN)
    _, place = np.unique(unit, return_inverse=True)
    stands = np.ones(hit.size) if weight is None else weight
    size = np.bincount(place, stands)
    right = np.bincount(place, hit * stands)
    clusters = len(size)
    share = float(right.sum() / size.sum())
    if clusters < 2:
        return Estimate(share)
    spread = float(((right - share * size) ** 2).sum())
    variance = spread * clusters / (clusters - 1) / float(size.sum()) ** 2
    effective = share * (1 - share) / variance if variance > 0 else 0.0
    effective = min(effective, float(hit.size)) if effective else float(clusters)
    return _wilson(share, effective, student(confidence, clusters - 1))


def _wilson(share: float, trials: float, z: float) -> Estimate:
    if not trials:
        return Estimate(share)
    middle = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = (
        z / (1 + z * z / trials) * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials**2))
    )
    return Estimate(share, max(middle - half, 0.0), min(middle + half, 1.0))

"""Area-adjusted accuracy and areas of a map from a stratified random sample.

Olofsson, P. et al. (2014): Good practices for estimating area and assessing accuracy of land change. Remote Sensing of
Environment 148, 42-57. The formulas are those of Stehman, S. V. (2014), International Journal of Remote Sensing 35(13),
4923-4939, in which the strata need not be the classes of the assessed map; if they are, the results are the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .intervals import Estimate, symmetric


@dataclass(frozen=True)
class Stratified:
    """Estimates for the whole map.

    Attributes:
        proportions: Estimated shares of the area [K, K], rows true, columns mapped; sum to 1.
        overall: Overall accuracy.
        user: User's accuracy of each class [K].
        producer: Producer's accuracy of each class [K].
        area: True area of each class [K], in the unit of the strata's areas.
        area_error: Standard errors of these areas [K].
    """

    proportions: NDArray[np.float64]
    overall: Estimate
    user: tuple[Estimate, ...]
    producer: tuple[Estimate, ...]
    area: tuple[Estimate, ...]
    area_error: NDArray[np.float64]


def stratified(counts: NDArray[Any], area: NDArray[Any], confidence: float = 95) -> Stratified:
    """Estimates from counts of sample points.

    Intervals are normal, without finite population correction, as published. They are NaN if a stratum with an area
    has only one point.

    Args:
        counts: Number of points by stratum, true class and mapped class [H, K, K]. Strata without area are ignored.
        area: Area of each stratum [H], any unit.
        confidence: Confidence of the intervals, percent.

    Raises:
        ValueError: A stratum with an area has no point.
    """
    area = np.asarray(area, float)
    counts = np.asarray(counts, float)[area > 0]
    area = area[area > 0]
    points = counts.sum(axis=(1, 2))
    if not len(area) or (points == 0).any():
        raise ValueError("Every stratum with an area needs at least one point.")
    total = float(area.sum())
    sample = _Sample(area / total, points, counts / points[:, None, None])
    classes = counts.shape[1]
    every = np.ones((classes, classes), bool)
    right = np.eye(classes, dtype=bool)

    def estimate(part: NDArray[np.bool_], whole: NDArray[np.bool_]) -> Estimate:
        return symmetric(*sample.share(part, whole), confidence)

    def column(number: int) -> NDArray[np.bool_]:
        return np.broadcast_to(np.arange(classes) == number, (classes, classes))

    shares = [sample.share(column(number).T, every) for number in range(classes)]
    return Stratified(
        np.einsum("h,hij->ij", sample.weight, sample.means),
        estimate(right, every),
        tuple(estimate(right & column(number), column(number)) for number in range(classes)),
        tuple(estimate(right & column(number), column(number).T) for number in range(classes)),
        tuple(symmetric(s * total, e * total, confidence, total) for s, e in shares),
        np.array([e * total for _, e in shares]),
    )


@dataclass(frozen=True)
class _Sample:
    """A stratified sample.

    Attributes:
        weight: Share of each stratum in the area [H].
        points: Number of its points [H].
        means: Share of its points in each cell of the confusion matrix [H, K true, K mapped].
    """

    weight: NDArray[np.float64]
    points: NDArray[np.float64]
    means: NDArray[np.float64]

    def share(self, part: NDArray[np.bool_], whole: NDArray[np.bool_]) -> tuple[float, float]:
        """Ratio of the area in the cells `part` to the area in the cells `whole`, and its standard error.

        Args:
            part: Cells of the confusion matrix [K, K].
            whole: Cells that contain those of `part` [K, K].
        """
        inside = self.means[:, part].sum(axis=1)  # [H]
        among = self.means[:, whole].sum(axis=1)
        divisor = float(self.weight @ among)
        if not divisor:
            return float("nan"), float("nan")
        ratio = float(self.weight @ inside) / divisor
        # Variance of y - ratio * x within each stratum; y is 1 in `part`, x is 1 in `whole`.
        residual = part * 1.0 - ratio * whole  # [K, K]
        mean = (self.means * residual).sum(axis=(1, 2))
        square = (self.means * residual**2).sum(axis=(1, 2)) - mean**2
        with np.errstate(divide="ignore", invalid="ignore"):
            variance = float((self.weight**2 * square / (self.points - 1)).sum())
        return ratio, float(np.sqrt(np.maximum(variance, 0.0))) / divisor  # NaN stays NaN

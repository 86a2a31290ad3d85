"""Calibrates scores to probabilities that fit the labels: one temperature, and a shift for each class."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

TEMPERATURES = np.geomspace(0.05, 5.0, 60)


def calibrate(
    scores: NDArray[np.float64], label: NDArray[Any], confidence: float | None = None
) -> tuple[float, NDArray[np.float64]]:
    """Chooses a temperature, and a shift to subtract from each class's scores [K].

    Args:
        scores: Held-out scores [M, K]; with a `confidence`, scores of the training samples.
        label: Class indices [M], or for multi-label scenes an indicator matrix [M, K].
        confidence: Mean probability of the predicted class to aim at, instead of maximising the likelihood.
    """
    none = np.zeros(scores.shape[1])
    if label.ndim == 1:
        losses = []
        for value in TEMPERATURES:
            chances = _softmax(scores / value)
            if confidence is not None:
                losses.append(abs(chances.max(1).mean() - confidence))
            else:
                right = np.log(np.maximum(chances[np.arange(len(label)), label], 1e-12))
                losses.append(-float(np.mean([right[label == k].mean() for k in np.unique(label)])))
        return float(TEMPERATURES[int(np.argmin(losses))]), none
    has = label > 0
    best, chosen, shift = np.inf, 1.0, none
    for value in TEMPERATURES:
        shifts = np.array([_shift(scores[:, k], has[:, k].mean(), value) for k in range(len(none))])
        chances = np.clip(1 / (1 + np.exp(-(scores - shifts) / value)), 1e-6, 1 - 1e-6)
        loss = -np.where(has, np.log(chances), np.log(1 - chances)).mean()
        if confidence is not None:
            loss = abs(np.where(has, chances, 1 - chances).mean() - confidence)
        if loss < best:
            best, chosen, shift = loss, float(value), shifts
    return chosen, shift


def _shift(scores: NDArray[np.float64], share: float, temperature: float) -> float:
    """The shift that makes the mean probability equal to the class's share, by bisection."""
    low, high = float(scores.min()) - 20 * temperature, float(scores.max()) + 20 * temperature
    for _ in range(40):
        middle = (low + high) / 2
        if (1 / (1 + np.exp(-(scores - middle) / temperature))).mean() > share:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _softmax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    powers = np.exp(scores - scores.max(1, keepdims=True))
    return np.asarray(powers / powers.sum(1, keepdims=True))

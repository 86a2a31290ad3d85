"""Synthetic windows to try a backend with."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..cards import Card
from .backend import Arrays


def random_windows(card: Card, count: int) -> Arrays:
    """A batch of random inputs, the same each time.

    Args:
        card: The model's card.
        count: Windows in the batch.
    """
    generator = np.random.default_rng(0)
    shape = (count, len(card.bands), card.window, card.window)
    feeds: dict[str, NDArray[Any]] = {
        name: generator.uniform(0.0, 0.5, shape).astype(np.float32)
        for name in ("image", "before", "after")
    }
    feeds["valid"] = np.ones((count, 1, card.window, card.window), np.float32)
    feeds["groups"] = np.arange(card.groups, dtype=np.int64)
    return feeds

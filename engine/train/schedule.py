"""The learning rate over a run: linear warm-up, then half a cosine down to a floor."""

from __future__ import annotations

import math


def warmup_cosine(step: int, total: int, warmup: int = 0, floor: float = 0.0) -> float:
    """The factor on the base learning rate at one optimiser step.

    Args:
        step: Step from 0.
        total: Steps of the whole run.
        warmup: Steps of linear rise; the first step already moves (1 / warmup, not 0).
        floor: Factor at the end.

    Returns:
        Factor in floor..1, exactly 1 at the first step after the warm-up.
    """
    if step < warmup:
        return (step + 1) / (warmup + 1)
    share = min(1.0, (step - warmup) / max(1, total - warmup))
    return floor + (1.0 - floor) * 0.5 * (1.0 + math.cos(math.pi * share))

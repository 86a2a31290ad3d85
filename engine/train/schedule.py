"""The learning rate schedule: linear warm-up, then cosine decay to a floor."""

from __future__ import annotations

import math


def warmup_cosine(step: int, total: int, warmup: int = 0, floor: float = 0.0) -> float:
    """The factor on the base learning rate at one optimiser step.

    Args:
        step: Number of the step, from 0.
        total: Number of steps of the whole run.
        warmup: Number of steps of linear rise, which does not start at 0 but at 1 / (warmup + 1).
        floor: Factor at the end.

    Returns:
        Factor in floor..1, exactly 1 at the first step after the warm-up.
    """
    if step < warmup:
        return (step + 1) / (warmup + 1)
    share = min(1.0, (step - warmup) / max(1, total - warmup))
    return floor + (1.0 - floor) * 0.5 * (1.0 + math.cos(math.pi * share))

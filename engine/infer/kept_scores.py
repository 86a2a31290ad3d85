"""What the processor gives for made-up windows: kept, so that a GPU is checked without loading the model twice."""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np

from ..cards import Card
from .backend import Backend, Floats
from .kept_choices import choice_key
from .made_up_windows import random_windows

# With the environment, as the choices are.
KEPT = Path(sys.prefix) / "spectralgpt-scores"
WINDOWS = 2
_STEP = 4  # of a map, one pixel in so many rows and columns is kept: 40 kB for ten classes


def expected_scores(path: Path, card: Card, open_processor: Callable[[], Backend]) -> Floats:
    """What is right for `random_windows(card, WINDOWS)`, as `some_scores` gives it.

    Args:
        path: An .onnx file.
        card: Its card.
        open_processor: Opens what computes it where it is not kept yet.

    Raises:
        EngineError: What opening and predicting raise.
    """
    key = choice_key(path, "numpy", f"{WINDOWS} windows, step {_STEP}")
    file = KEPT / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.npy"
    try:
        return np.asarray(np.load(file), np.float32)
    except (OSError, ValueError, EOFError):  # not there, or damaged
        pass
    scores = some_scores(open_processor().predict(random_windows(card, WINDOWS)))
    part = file.with_name(f"{file.name}.{time.time_ns()}")
    try:
        KEPT.mkdir(exist_ok=True)
        with part.open("wb") as whole:
            np.save(whole, scores)
        part.replace(file)
    except OSError:  # an environment that may not be written: computed each time
        with suppress(OSError):
            part.unlink()
    return scores


def some_scores(scores: Floats) -> Floats:
    """Of scores [B, K, S, S] those that are compared, [B, K, S / _STEP, S / _STEP]; of [B, K] all."""
    return scores[..., ::_STEP, ::_STEP] if scores.ndim == 4 else scores

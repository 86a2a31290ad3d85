"""Remembers the processor's scores of synthetic windows: a GPU is checked without loading the model twice."""

from __future__ import annotations

import hashlib
import io
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np

from ..cards import Card
from .backend import Backend, Floats
from .kept_choices import choice_key
from .kept_file import keep_file
from .made_up_windows import random_windows

# Inside the environment, like the choices of backends.
KEPT = Path(sys.prefix) / "spectralgpt-scores"
WINDOWS = 2
_STEP = 4  # keeps every fourth row and column of a map: 40 kB for ten classes


def expected_scores(path: Path, card: Card, open_processor: Callable[[], Backend]) -> Floats:
    """The reference scores of `random_windows(card, WINDOWS)`, thinned by `some_scores`.

    Args:
        path: An .onnx file.
        card: Its card.
        open_processor: Opens the backend that computes them where they are not on file.

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
    with suppress(OSError):
        KEPT.mkdir(exist_ok=True)
    content = io.BytesIO()
    np.save(content, scores)
    keep_file(file, content.getvalue())
    return scores


def some_scores(scores: Floats) -> Floats:
    """Scores to compare: [B, K, S, S] thinned to [B, K, S / _STEP, S / _STEP]; [B, K] as they are."""
    return scores[..., ::_STEP, ::_STEP] if scores.ndim == 4 else scores

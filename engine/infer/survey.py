"""Samples a few windows before a run: how many hold data, and how long one takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Optional

import numpy as np
from rasterio.windows import Window

from .backend import Backend, processors
from .lanes import in_order
from .model_inputs import Feeds

ReadWindow = Callable[[Window], Optional[Feeds]]

MOST = 64  # windows that are read
_KEPT = 24  # of those, windows kept for timing the model
PATIENCE_S = 0.3  # for reading, and again for computing
# Factor for blending and writing, beside reading and computing.
_REST = 1.05
_GOLDEN = (5**0.5 - 1) / 2


@dataclass(frozen=True)
class Survey:
    """What a few windows showed.

    Attributes:
        share: Share of the windows that hold something to compute, 0..1.
        read_seconds: Seconds to read a window whose blocks GDAL has decoded: a run decodes a block once for many.
        found: Inputs of some of those, without the batch dimension.
    """

    share: float
    read_seconds: float
    found: tuple[Feeds, ...]


def survey_windows(
    windows: int, at: Callable[[int], Window], read: ReadWindow, most: int | None = None
) -> Survey:
    """Reads windows spread over the area, until `PATIENCE_S` has passed.

    Args:
        windows: Number of windows.
        at: Gives a window by its index.
        read: Reads a window; None when there is nothing to compute.
        most: Most windows to read; None = `MOST`.
    """
    started = time.perf_counter()
    found: list[Feeds] = []
    seen, full, last, warm = 0, 0, None, 0.0
    for place in _spread(windows, MOST if most is None else most):
        feeds = read(at(place))
        seen += 1
        if feeds is not None:
            full += 1
            if len(found) < _KEPT:
                found.append(feeds)
            last = place
        if time.perf_counter() - started > PATIENCE_S:
            break
    if last is not None:
        started = time.perf_counter()
        read(at(last))
        warm = time.perf_counter() - started
    return Survey(full / max(seen, 1), warm, tuple(found))


def seconds_a_window(backend: Backend, survey: Survey) -> float:
    """Wall seconds a window of a whole run, from a few that are computed now; 0 without any.

    Args:
        backend: The model; all its lanes are used.
        survey: Windows that were read.
    """
    if not survey.found:
        return 0.0
    backend.predict(_batch(backend, survey.found, 0))  # the first run compiles
    started = time.perf_counter()

    def batches() -> Iterator[Feeds]:
        for start in count():
            yield _batch(backend, survey.found, start)
            if start >= backend.lanes and time.perf_counter() - started > PATIENCE_S:
                return

    computed = sum(backend.batch for _ in in_order(batches(), backend.predict, backend.lanes))
    model = (time.perf_counter() - started) / computed
    return _REST * max(survey.read_seconds, model + survey.read_seconds / processors())


def _batch(backend: Backend, found: tuple[Feeds, ...], start: int) -> Feeds:
    """A full batch from window `start` on, cycling through the windows."""
    chosen = [found[(start + place) % len(found)] for place in range(backend.batch)]
    return {
        name: array if name == "groups" else np.stack([feeds[name] for feeds in chosen])
        for name, array in chosen[0].items()
    }


def _spread(windows: int, most: int = MOST) -> list[int]:
    """Up to `most` indices in an order in which any first few are spread out (golden-ratio sequence)."""
    if windows <= most:
        return list(range(windows))
    places = (int(windows * ((index * _GOLDEN) % 1.0)) for index in range(1, most + 1))
    return list(dict.fromkeys(places))

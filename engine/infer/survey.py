"""A look at a few windows before a run: how many of all hold data, and how long one takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from .backend import Backend, processors
from .lanes import in_order

Feeds = dict[str, NDArray[Any]]
Look = Callable[[Window], Optional[Feeds]]

MOST = 64  # windows that are looked at
_KEPT = 24  # of those, to compute some
PATIENCE_S = 0.3  # for looking at them, and again for computing them
# Adding up and writing, beside the model and the reading.
_REST = 1.05
_GOLDEN = (5**0.5 - 1) / 2


@dataclass(frozen=True)
class Survey:
    """What a few windows told.

    Attributes:
        share: Share of the windows that hold something to compute, 0..1.
        read_seconds: To read one, from a file whose blocks are unpacked already: a run unpacks each once for many.
        found: Inputs of some that do, without the batch dimension.
    """

    share: float
    read_seconds: float
    found: tuple[Feeds, ...]


def look_around(
    windows: int, at: Callable[[int], Window], look: Look, most: int | None = None
) -> Survey:
    """Reads windows that lie all over the area, as many as there is patience for.

    Args:
        windows: Windows there are.
        at: Gives one by its place.
        look: Reads it; None when it holds nothing to compute.
        most: Windows that are looked at; None = `MOST`.
    """
    started = time.perf_counter()
    found: list[Feeds] = []
    seen, full, last, warm = 0, 0, None, 0.0
    for place in _spread(windows, MOST if most is None else most):
        feeds = look(at(place))
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
        look(at(last))
        warm = time.perf_counter() - started
    return Survey(full / max(seen, 1), warm, tuple(found))


def seconds_a_window(backend: Backend, survey: Survey) -> float:
    """Seconds of wall time for each window of a whole run, from a few that are computed now; 0 without any.

    Args:
        backend: The model; all its lanes are used.
        survey: What was read.
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
    """A full batch of the windows from a place on, again from the first after the last."""
    chosen = [found[(start + place) % len(found)] for place in range(backend.batch)]
    return {
        name: array if name == "groups" else np.stack([feeds[name] for feeds in chosen])
        for name, array in chosen[0].items()
    }


def _spread(windows: int, most: int = MOST) -> list[int]:
    """Up to `most` places, such that the first few lie all over, however many are taken; all of a few."""
    if windows <= most:
        return list(range(windows))
    places = (int(windows * ((index * _GOLDEN) % 1.0)) for index in range(1, most + 1))
    return list(dict.fromkeys(places))

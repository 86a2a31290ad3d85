"""The finished parts of a labelling, kept beside it, so that a run that was killed goes on where it stopped."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import shapely

from ..progress import Progress
from .backend import Backend
from .journal import Journal
from .looks import Found
from .scored_looks import Looks, PartsResult, Scored, score_parts
from .tally import Tally

# Gives the parts from a first one on, in their order.
Compute = Callable[[Progress, int], Iterator[PartsResult]]


def resumed_parts(
    journal: Journal, looks: Looks, compute: Compute, progress: Progress
) -> Iterator[Scored]:
    """What the model says of all parts: what an earlier run had finished, then what is computed, kept as it comes.

    Args:
        journal: Taken up.
        looks: Where the model looks; holds afterwards what was found.
        compute: Computes.
        progress: Updated at every cell or zone; a cancel takes effect there.

    Yields:
        In the order of the windows.
    """
    done = 0
    for record in journal.replay():
        progress.check()
        result = decoded(record)
        yield from _placed(result, looks)
        done = result.found.parts.stop
    if done:
        looks.tally.earlier = looks.tally.pixels
        progress.log(f"Goes on where the last run stopped: {looks.tally.run} windows are done")
    for result in compute(progress, done):
        journal.append(encoded(result))
        yield from _placed(result, looks)


def parts_here(backend: Backend, looks: Looks) -> Compute:
    """Parts that are computed in this process.

    Args:
        backend: The model.
        looks: Where it looks.
    """

    def compute(progress: Progress, first: int) -> Iterator[PartsResult]:
        for start in range(first, looks.parts, looks.stretch):
            parts = range(start, min(start + looks.stretch, looks.parts))
            share = progress.part(parts.start / looks.parts, parts.stop / looks.parts)
            yield score_parts(backend, looks, parts, share)

    return compute


def encoded(result: PartsResult) -> bytes:
    """As JSON: numbers come back as they were, to the last bit."""
    found, scores = result.found, [scored.score for scored in result.scored]
    kept = {
        "parts": [found.parts.start, found.parts.stop],
        "geometries": [shapely.to_wkb(shape, hex=True) for shape in found.geometries],
        "covered": found.covered,
        "sparse": found.sparse,
        "tally": [found.tally.total, found.tally.run, found.tally.pixels],
        "places": [[scored.place, scored.weight] for scored in result.scored],
        "dtype": scores[0].dtype.name if scores else "",
        "scores": [score.tolist() for score in scores],
    }
    return json.dumps(kept).encode()


def decoded(record: bytes) -> PartsResult:
    """What `encoded` was given, without the time that it took."""
    kept: dict[str, Any] = json.loads(record)
    total, run, pixels = kept["tally"]
    found = Found(
        range(*kept["parts"]),
        tuple(shapely.from_wkb(shape) for shape in kept["geometries"]),
        tuple(kept["covered"]),
        kept["sparse"],
        Tally(total, run, pixels),
    )
    scored = [
        Scored(place, weight, np.array(score, kept["dtype"]))
        for (place, weight), score in zip(kept["places"], kept["scores"])
    ]
    return PartsResult(scored, found)


def _placed(result: PartsResult, looks: Looks) -> Iterator[Scored]:
    """Adds what was found to the looks, and gives the scores their places there."""
    first = looks.take(result.found)
    for scored in result.scored:
        yield replace(scored, place=scored.place + first)

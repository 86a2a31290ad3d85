"""Keeps the finished parts of a `classify` run in its journal, so that a killed run can be resumed."""

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
from .scene_windows import Coverage
from .scored_windows import PartsResult, SceneWindows, ScoredWindow, score_parts
from .tally import Tally

# Yields the results from a given part on, in order.
Compute = Callable[[Progress, int], Iterator[PartsResult]]


def resumed_parts(
    journal: Journal, windows: SceneWindows, compute: Compute, progress: Progress
) -> Iterator[ScoredWindow]:
    """Scored windows of all parts: first those that an earlier run had finished, then those computed now.

    Args:
        journal: The journal; computed parts are added to it.
        windows: The windows of the scene; gains the coverage of all parts.
        compute: Computes the remaining parts.
        progress: Updated at every cell or zone; a cancel takes effect there.

    Yields:
        In the order of the windows.
    """
    done = 0
    for record in journal.replay():
        progress.check()
        result = decoded(record)
        yield from _placed(result, windows)
        done = result.coverage.parts.stop
    if done:
        windows.tally.earlier = windows.tally.pixels
        progress.log(f"Resuming the previous run: {windows.tally.run} windows are done")
    for result in compute(progress, done):
        journal.append(encoded(result))
        yield from _placed(result, windows)


def parts_here(backend: Backend, windows: SceneWindows) -> Compute:
    """Computes parts in this process.

    Args:
        backend: The model.
        windows: Where it windows.
    """

    def compute(progress: Progress, first: int) -> Iterator[PartsResult]:
        for start in range(first, windows.parts, windows.stretch):
            parts = range(start, min(start + windows.stretch, windows.parts))
            share = progress.part(parts.start / windows.parts, parts.stop / windows.parts)
            yield score_parts(backend, windows, parts, share)

    return compute


def encoded(result: PartsResult) -> bytes:
    """A result as JSON: numbers come back the same to the last bit."""
    coverage, scores = result.coverage, [scored.score for scored in result.scored]
    kept = {
        "parts": [coverage.parts.start, coverage.parts.stop],
        "geometries": [shapely.to_wkb(shape, hex=True) for shape in coverage.geometries],
        "covered": coverage.covered,
        "sparse": coverage.sparse,
        "tally": [coverage.tally.total, coverage.tally.run, coverage.tally.pixels],
        "places": [[scored.feature, scored.weight] for scored in result.scored],
        "dtype": scores[0].dtype.name if scores else "",
        "scores": [score.tolist() for score in scores],
    }
    return json.dumps(kept).encode()


def decoded(record: bytes) -> PartsResult:
    """The result that `encoded` was given, without its timing."""
    kept: dict[str, Any] = json.loads(record)
    total, run, pixels = kept["tally"]
    coverage = Coverage(
        range(*kept["parts"]),
        tuple(shapely.from_wkb(shape) for shape in kept["geometries"]),
        tuple(kept["covered"]),
        kept["sparse"],
        Tally(total, run, pixels),
    )
    scored = [
        ScoredWindow(place, weight, np.array(score, kept["dtype"]))
        for (place, weight), score in zip(kept["places"], kept["scores"])
    ]
    return PartsResult(scored, coverage)


def _placed(result: PartsResult, windows: SceneWindows) -> Iterator[ScoredWindow]:
    """Adds a result's coverage to the windows, and counts its features from the first of the whole scene."""
    first = windows.take(result.coverage)
    for scored in result.scored:
        yield replace(scored, feature=scored.feature + first)

"""The interface of a backend: a loaded model that turns windows into probabilities."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..cards import Card
from ..errors import ModelInvalid

Arrays = Mapping[str, NDArray[Any]]
Floats = NDArray[np.float32]

# More parallel runs than this gain nothing: memory bandwidth is then the limit.
MOST_LANES = 8


class Backend(ABC):
    """A loaded model on a device.

    Attributes:
        name: Library, version and number format, for the log.
        device: "cpu" or "gpu".
        batch: Windows that are best predicted together.
        lanes: How many calls of `predict` should run at the same time, each in a thread of its own.
        inputs: Names of the graph's inputs.
    """

    name: str
    device: str
    batch: int
    lanes: int
    inputs: frozenset[str]

    def prepare(self, feeds: Arrays) -> None:  # noqa: B027
        """Starts in a thread what would slow down the first prediction, such as compiling; by default nothing.

        Args:
            feeds: As for `predict`.
        """

    @abstractmethod
    def predict(self, feeds: Arrays) -> Floats:
        """Probabilities of a batch.

        Args:
            feeds: At least the graph's inputs, see the card: image or before and after float32 [B, C, S, S], valid
                float32 [B, 1, S, S], groups int64 [G]. Others are ignored.

        Returns:
            float32 [B, K, S, S], or [B, K] for scenes.

        Raises:
            OutOfMemory: The device's memory does not suffice.
            ModelInvalid: The graph failed, or its output is not the card's classes.
        """


def processors() -> int:
    """Processors that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def usable_threads(threads: int) -> int:
    """As many threads as asked for, but no more than processors: 16 threads on two took 20 times as long as 2.

    Args:
        threads: Processor threads, 0 = all.
    """
    return min(threads or processors(), processors())


def lanes_of(threads: int) -> tuple[int, int]:
    """How threads are divided: (parallel runs, threads of each).

    Args:
        threads: Processor threads, 0 = all.
    """
    threads = usable_threads(threads)
    lanes = min(threads, MOST_LANES)
    return lanes, max(1, threads // lanes)


def check_graph(
    path: Path, card: Card, inputs: Mapping[str, Sequence[Any]], outputs: Collection[str]
) -> None:
    """Compares a graph with its card.

    Args:
        path: Path of the model file, for the message.
        card: Its card.
        inputs: Shape of each input; a size that is not an int is dynamic.
        outputs: Names of the outputs.

    Raises:
        ModelInvalid: The graph does not fit the card.
    """
    dates = {"before", "after"} if card.task == "change-detection" else {"image"}
    known = dates | {"valid", "groups"}
    if not dates <= set(inputs) <= known or "probabilities" not in outputs:
        raise ModelInvalid(
            f"The graph of '{path.name}' has the inputs {', '.join(sorted(inputs))} and the outputs "
            f"{', '.join(sorted(outputs))}, but a model for {card.task} needs {', '.join(sorted(dates))} and must "
            "return probabilities. Import the model again."
        )
    size = [len(card.bands), card.window, card.window]
    for name in dates:
        given = list(inputs[name][1:])
        if len(given) != 3 or any(
            isinstance(have, int) and have != want for have, want in zip(given, size)
        ):
            raise ModelInvalid(
                f"The graph of '{path.name}' expects {given} (bands, rows, columns), but its card says {size}. The "
                "file does not match its card: create or import it again."
            )


def checked_scores(result: Any, path: Path, card: Card) -> Floats:
    """A graph's output as float32 [B, K, ...].

    Raises:
        ModelInvalid: It is not the card's classes.
    """
    scores = np.asarray(result, np.float32)
    classes = len(card.classes)
    if scores.ndim not in (2, 4) or scores.shape[1] != classes:
        raise ModelInvalid(
            f"The model '{path.name}' returned scores of the shape {scores.shape}, but its card has {classes} "
            "classes. The file does not match its card: create or import it again."
        )
    return scores


def check_numbers(scores: Floats, known: NDArray[np.bool_] | bool = True) -> None:
    """Refuses NaN, of which `argmax` would silently make a class.

    Args:
        scores: Scores of pixels or scenes, any shape.
        known: Which of them are wanted, of the same shape; all by default.

    Raises:
        ModelInvalid: One of them is NaN.
    """
    if np.isnan(scores).any(where=known):
        raise ModelInvalid(
            "The model returned scores that are not numbers (NaN). Either it is damaged, or the raster's values are "
            "far outside the range that it was trained on. Check the raster's values and no-data, set the device to "
            "'cpu', or create or import the model again."
        )

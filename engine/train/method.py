"""Chooses the method of fine-tuning that suits the labels and the machine, and says why."""

from __future__ import annotations

from dataclasses import dataclass

from ..language import marked

# Labelled places from which more than a head is trained. For maps this was tested on TerraMesh (docs/experiments.md):
# with 200 and 800 places adapters were better than a head, on the same image and even more under another light. Fewer
# places were not tested; for scenes, and on a GPU, the number is a guess.
MANY_PLACES = 200
BATCH = 8
# Windows per batch for class maps, which need few steps to learn what a head for the same rasters predicts.
TAUGHT_BATCH = 4
# (epochs, batches per epoch) unless the user sets them.
LENGTHS = {"adapters": (12, 20), "full": (12, 20)}
LENGTHS_GPU = {"adapters": (30, 60), "full": (30, 60)}
LENGTHS_TAUGHT = {"adapters": (4, 20), "full": (4, 20)}
LARGE = 20_000_000  # weights; training a larger encoder on a CPU takes hours


@dataclass(frozen=True)
class Method:
    """A method of fine-tuning.

    Attributes:
        name: "quick", "adapters" or "full".
        reason: Why it was chosen, for the log; empty if the user chose it.
    """

    name: str
    reason: str = ""

    @property
    def text(self) -> str:
        """The line of the log."""
        if self.reason:
            return marked(f"Method: {self.name} ({self.reason})")
        return marked(f"Method: {self.name}")


def choose_method(
    asked: str, places: int, weights: int, gpu: bool, task: str = "segmentation"
) -> Method:
    """Resolves "auto"; any other method is taken as requested.

    Args:
        asked: The requested method.
        places: Number of labelled polygons, points or regions.
        weights: Number of weights of the encoder.
        gpu: Whether a GPU is used.
        task: The model's task. For change detection the encoder stays frozen, as training it made the
            results in other places worse in every trial on OSCD (docs/experiments.md).
    """
    if asked != "auto":
        return Method(asked)
    if task == "change-detection":
        return Method(
            "quick",
            marked(
                "for change in other places, an unchanged backbone with a trained head works best"
            ),
        )
    if places < MANY_PLACES:
        return Method(
            "quick",
            marked(
                f"with only {places} labelled places, the backbone stays unchanged and only a head is trained"
            ),
        )
    if gpu:
        return Method(
            "full", marked(f"with {places} labelled places and a GPU, all weights are trained")
        )
    if weights <= LARGE:
        return Method(
            "adapters",
            marked(
                f"with {places} labelled places and no GPU, a small part of the backbone is trained"
            ),
        )
    return Method(
        "quick",
        marked(
            f"with {weights / 1e6:.0f} million weights in the backbone and no GPU, the backbone stays unchanged "
            "and only a head is trained"
        ),
    )

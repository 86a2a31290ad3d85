"""Which way of fine-tuning suits the labels and the machine, and why."""

from __future__ import annotations

from dataclasses import dataclass

from ..language import marked

# Of maps it was looked at on TerraMesh (docs/experiments.md): with 200 and 800 labelled places adapters were better
# than a head in another light and a little worse on the same image, neither beyond chance. Of scenes, and on a GPU,
# it is a guess.
MANY_PLACES = 200
BATCH = 8
# (epochs, batches an epoch) where the user leaves it open.
LENGTHS = {"adapters": (12, 20), "full": (12, 20)}
LENGTHS_GPU = {"adapters": (30, 60), "full": (30, 60)}
LARGE = 20_000_000  # weights of an encoder that a processor trains in hours


@dataclass(frozen=True)
class Method:
    """A way of fine-tuning.

    Attributes:
        name: "quick", "adapters" or "full".
        reason: For the log; empty when the user chose.
    """

    name: str
    reason: str = ""

    @property
    def text(self) -> str:
        """What the log says of it."""
        if self.reason:
            return marked(f"Method: {self.name} ({self.reason})")
        return marked(f"Method: {self.name}")


def choose_method(
    asked: str, places: int, weights: int, gpu: bool, task: str = "segmentation"
) -> Method:
    """Decides for "auto", else takes what was asked for.

    Args:
        asked: The job's method.
        places: Labelled polygons, points or regions.
        weights: Weights of the encoder.
        gpu: Whether there is one.
        task: What is learned. Change has been found elsewhere worse after all weights learned, in
            every trial on OSCD (docs/experiments.md).
    """
    if asked != "auto":
        return Method(asked)
    if task == "change-detection":
        return Method(
            "quick",
            marked(
                "change in other places is found best when the backbone stays as it is and a head is fitted"
            ),
        )
    if places < MANY_PLACES:
        return Method(
            "quick",
            marked(
                f"{places} labelled places are few: the backbone stays as it is and a head is fitted"
            ),
        )
    if gpu:
        return Method("full", marked(f"{places} labelled places and a GPU: all weights learn"))
    if weights <= LARGE:
        return Method(
            "adapters",
            marked(f"{places} labelled places, no GPU: few weights of the backbone learn"),
        )
    return Method(
        "quick",
        marked(
            f"the backbone has {weights / 1e6:.0f} million weights and there is no GPU: it stays as "
            "it is and a head is fitted"
        ),
    )

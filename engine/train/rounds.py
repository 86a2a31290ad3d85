"""Length and learning rates of training an encoder, for maps and scenes."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from ..training_jobs import FinetuneJob
from .method import LENGTHS, LENGTHS_GPU, LENGTHS_TAUGHT, Method
from .trainer import TrainerConfig

DROP_PATH = 0.1  # drop-path rate of an encoder whose weights are all trained
ADAPTER_RATE = 1e-3  # adapters are new and few, so they learn faster, in all layers alike
LAYER_DECAY = 0.75
# For class maps the head learns at this rate and the encoder at a share of it, as it easily forgets what it knows.
TAUGHT_RATE, ADAPTERS_BELOW, FULL_BELOW = 2e-3, 0.1, 0.01


@dataclass(frozen=True)
class Rounds:
    """How the encoder is trained.

    Attributes:
        adapters: Whether to train only adapters in the encoder.
        epochs: Maximal number of epochs.
        steps: Batches per epoch.
        batch: Windows per batch.
        patience: Epochs without improvement after which to stop.
        share: Share of the labels to hold out, which decide on the best epoch.
        window: Side of the windows in training, pixels, a multiple of the patch; 0 = the card's.
        device: "auto", "cpu" or "gpu".
    """

    adapters: bool
    epochs: int
    steps: int
    batch: int = 8
    patience: int = 8
    share: float = 0.2
    window: int = 0
    device: str = "auto"

    @property
    def drop_path(self) -> float:
        """Drop-path rate of the encoder; adapters are too few to need it."""
        return 0.0 if self.adapters else DROP_PATH

    def trainer(self, seed: int, rate: float) -> TrainerConfig:
        """Settings of the trainer.

        Args:
            seed: Seed of the training.
            rate: Learning rate if all weights are trained.
        """
        return TrainerConfig(
            epochs=self.epochs,
            learning_rate=ADAPTER_RATE if self.adapters else rate,
            layer_decay=1.0 if self.adapters else LAYER_DECAY,
            clip=1.0,
            seed=seed,
            device=self.device,
        )

    def taught(self, seed: int) -> TrainerConfig:
        """Settings of the trainer for a class map that also learns from a teacher."""
        return dataclasses.replace(
            self.trainer(seed, TAUGHT_RATE),
            learning_rate=TAUGHT_RATE,
            below=ADAPTERS_BELOW if self.adapters else FULL_BELOW,
        )


def plan_rounds(job: FinetuneJob, method: Method, gpu: bool) -> Rounds:
    """Takes the settings of a job; if it leaves the length open, chooses one for the machine."""
    lengths = LENGTHS_GPU if gpu else LENGTHS
    if job.task == "segmentation":
        lengths = LENGTHS_TAUGHT
    epochs, steps = lengths[method.name]
    return Rounds(
        adapters=method.name == "adapters",
        epochs=job.epochs or epochs,
        steps=steps,
        share=job.validation / 100,
        device=job.device,
    )

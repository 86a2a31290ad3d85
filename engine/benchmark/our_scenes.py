"""The product's scene classifier in the benchmark: `tune_scenes` on arrays."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch

from ..cards import Card, ModelClass
from ..model.predictor import Predictor
from ..train.base_model import Base
from ..train.method import LENGTHS
from ..train.rounds import Rounds
from ..train.scene_batches import WholeScenes
from ..train.scene_chips import array_chips
from ..train.scene_tuning import tune_scenes
from ..train.supervised import predict


@dataclasses.dataclass(frozen=True)
class TunedScenes:
    """The verb `finetune` for scenes.

    Attributes:
        base: The base model.
        method: "quick", "adapters" or "full".
    """

    base: Base
    method: str = "quick"

    def fit(
        self, chips: np.ndarray, labels: np.ndarray, classes: int, seed: int
    ) -> LabelledScenesModel:
        """See `protocols.SceneMethod`."""
        there, compact = np.unique(labels, return_inverse=True)
        card = scenes_card(self.base.card, len(there))
        groups = range(card.groups)
        scenes = array_chips(chips, compact.astype(np.int64), len(there), groups)
        rounds = None
        if self.method != "quick":
            epochs, steps = LENGTHS[self.method]
            rounds = Rounds(self.method == "adapters", epochs, steps, batch=16, device="cpu")
        tuned = tune_scenes(self.base, card, scenes, rounds=rounds, seed=seed)
        return LabelledScenesModel(tuned.predictor, there, classes)


@dataclasses.dataclass(frozen=True)
class LabelledScenesModel:
    """A predictor for chips.

    Attributes:
        predictor: A predictor for the classes that occurred in training.
        there: Indices of these classes.
        classes: Number of all classes K.
    """

    predictor: Predictor
    there: np.ndarray
    classes: int

    @torch.no_grad()
    def predict(self, chips: np.ndarray) -> np.ndarray:
        """Probabilities [M, K]; see `protocols.SceneModel`."""
        groups = range(self.predictor.card.groups)
        unknown = np.zeros(len(chips), np.int64)
        scenes = array_chips(chips, unknown, len(self.there), groups)
        found, _ = predict(self.predictor, WholeScenes(scenes, 16))
        chances = np.zeros((len(chips), self.classes), np.float32)
        chances[:, self.there] = found
        return chances


def scenes_card(base: Card, classes: int) -> Card:
    """The card of a scene classifier with so many classes."""
    made = tuple(ModelClass(k + 1, f"class-{k + 1}") for k in range(classes))
    return dataclasses.replace(
        base, name="benchmark", task="scene-classification", classes=made, threshold={}
    )

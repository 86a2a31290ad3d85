"""A finished fine-tuned model, and the writing of its files."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..cards import Card
from ..checkpoint import save
from ..export.onnx import TOLERANCE, export_onnx
from ..model.network import Network
from ..model.predictor import Predictor
from ..training_jobs import FinetuneJob
from .head_tuning import Tuned
from .method import LARGE, Method
from .scene_tuning import EXPORT_TOLERANCE
from .tuned_report import Run

HALF_FROM = LARGE  # models with more weights are stored in half precision


@dataclasses.dataclass(frozen=True)
class Made:
    """A finished model, before it is written.

    Attributes:
        predictor: The network with its normalisation.
        card: The finished card.
        method: The method that was used, and why.
        tuned: The result of the training.
        facts: Names and values for the report.
        examples: Pictures for the report.
    """

    predictor: Predictor
    card: Card
    method: Method
    tuned: Tuned
    facts: Sequence[tuple[str, str]]
    examples: Sequence[Any] = ()

    @property
    def cancelled(self) -> bool:
        """Whether the user ended the training early."""
        return self.tuned.cancelled

    def run(self, job: FinetuneJob, warnings: Sequence[str]) -> Run:
        """The content of the report."""
        return Run(
            job,
            self.card,
            self.method.name,
            self.method.reason,
            self.tuned.matrix,
            self.tuned.history,
            warnings,
            self.facts,
            self.examples,
        )


def write_model(made: Made, onnx: Path, safetensors: Path) -> str:
    """Writes both files, and returns the seal of the ONNX file."""
    network = made.predictor.network
    if not isinstance(network, Network):
        raise TypeError(f"{type(network).__name__} cannot be stored.")
    made.predictor.card = made.card
    weights = sum(value.numel() for value in network.parameters())
    scenes = made.card.task == "scene-classification"
    exported = export_onnx(
        made.predictor,
        made.card,
        onnx,
        half=weights > HALF_FROM,
        tolerance=EXPORT_TOLERANCE if scenes else TOLERANCE,
        quick=True,
    )
    save(safetensors, network, made.card)
    return exported.sha256

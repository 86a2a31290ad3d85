"""Finds a model and checks its seal and task, so that it is ready to run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..cards import Card
from ..endings import ONNX, ending
from ..errors import ModelInvalid
from ..model_file import find_model, read_card, verify


@dataclass(frozen=True)
class InstalledModel:
    """A model file that passed its checks."""

    path: Path
    card: Card
    sha256: str


def open_model(name_or_path: str, task: str) -> InstalledModel:
    """Finds a model and checks it.

    Args:
        name_or_path: Name of an installed model, or a file.
        task: What it must be for, as in the card.

    Raises:
        ModelInvalid: No such model, not a model, changed since it was made, or only for training.
        ModelTaskMismatch: It is for another task.
    """
    path = find_model(name_or_path, task)
    if ending(path) != ONNX:
        raise ModelInvalid(
            f"The model '{path}' is for training. To run it, a file that ends in .onnx is needed. Export it first."
        )
    card = read_card(path)
    if not card.classes:
        raise ModelInvalid(
            f"The card in '{path}' does not list any classes. Create or import the model again."
        )
    return InstalledModel(path, card, verify(path))

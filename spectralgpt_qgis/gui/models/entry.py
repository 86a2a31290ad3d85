"""A model as users see it: its file for predictions and its file to train from are one model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...i18n import tr
from ...installed_model import OWN, SHARED, InstalledModel
from ..describe import words


@dataclass(frozen=True)
class ModelEntry:
    """The files with one name in one folder.

    Attributes:
        files: Files for predictions first, then files to train from.
    """

    files: tuple[InstalledModel, ...]

    @property
    def main(self) -> InstalledModel:
        """The file whose card describes the model."""
        return self.files[0]

    @property
    def name(self) -> str:
        """The model's name, as in parameters."""
        return self.main.name

    @property
    def title(self) -> str:
        """The model's title, as shown to the user."""
        return self.main.title

    @property
    def key(self) -> str:
        """A unique key: its path without extension."""
        return str(Path(self.main.path).with_suffix(""))

    @property
    def is_own(self) -> bool:
        """Whether the user may rename and delete it."""
        return self.main.origin == OWN

    @property
    def bytes(self) -> int:
        """Size of all its files."""
        return sum(file.bytes for file in self.files)

    def comparison(self, compared: dict[str, dict[str, Any]]) -> dict[str, Any] | None:
        """The model's entry in a comparison with a raster, which is by path; None if it was not compared."""
        return next((compared[file.path] for file in self.files if file.path in compared), None)


def entries_of(models: Iterable[InstalledModel]) -> list[ModelEntry]:
    """Groups the files of each model, those for predictions first."""
    together: dict[tuple[str, str], list[InstalledModel]] = {}
    for model in models:
        key = (str(Path(model.path).with_suffix("")), model.task)
        together.setdefault(key, []).append(model)
    entries = [
        ModelEntry(tuple(sorted(files, key=lambda file: not file.can_predict)))
        for files in together.values()
    ]
    return sorted(entries, key=lambda entry: not entry.main.can_predict)


def matches(entry: ModelEntry, text: str, task: str) -> bool:
    """Whether a model is for a task and has all words of a text in its title, name, description or classes.

    Args:
        entry: The model.
        text: Search text.
        task: A task; empty for all, "train" for models to train from.
    """
    if task == "train":
        if not any(not file.can_predict for file in entry.files):
            return False
    elif task and entry.main.task != task:
        return False
    model = entry.main
    titles = " ".join(title for title, _ in model.classes)
    told = (
        f"{model.title} {model.name} {model.description} {titles} {' '.join(model.bands)}".lower()
    )
    return all(word in told for word in text.lower().split())


def task_text(entry: ModelEntry) -> str:
    """The task of a model."""
    model = entry.main
    return str(
        words.task_words(
            {"task": model.task, "format": "onnx" if model.can_predict else "safetensors"}
        )
    )


def origin_text(entry: ModelEntry) -> str:
    """The origin of a model in short."""
    model = entry.main
    if model.origin == SHARED:
        return tr("Shared")
    if model.origin != OWN:
        return tr("Included")
    if "source" in model.training:
        return tr("Imported")
    return tr("Trained here") if model.training.get("rasters") else tr("Own")


def ordered(entries: Sequence[ModelEntry], compared: dict[str, dict[str, Any]]) -> list[ModelEntry]:
    """Models sorted by a comparison with a raster, the best first; unchanged if there is none."""
    places = {path: place for place, path in enumerate(compared)}

    def place(entry: ModelEntry) -> int:
        return min((places.get(file.path, len(places)) for file in entry.files), default=0)

    verdicts = {"fits": 0, "doubtful": 1, "unfit": 2}

    def rank(entry: ModelEntry) -> tuple[int, int]:
        found = entry.comparison(compared)
        return verdicts.get(found["verdict"], 3) if found else 3, place(entry)

    return sorted(entries, key=rank) if compared else list(entries)

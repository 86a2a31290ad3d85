"""The verb `models`: the installed models and what their cards say. Standard library only, so it answers at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .cards import Card
from .endings import ending
from .errors import ModelInvalid
from .jobs import ModelsJob
from .model_file import read_card
from .model_folders import OWN, SHIPPED, ask_folders, model_files, model_folders
from .progress import Progress


@dataclass(frozen=True)
class ModelEntry:
    """A model file as it lies in a folder, or why it cannot be read.

    Attributes:
        bytes: Size of the file.
        modified: Seconds since 1970 of its last change.
    """

    path: Path
    bytes: int = 0
    modified: float = 0.0
    card: Card | None = None
    problem: str = ""


def list_models(job: ModelsJob, progress: Progress) -> dict[str, Any]:
    """Lists models, a folder's own before shared before shipped ones, each folder by name.

    A file that cannot be read, and a shared folder that does not answer, is told as a warning and left out.

    Returns:
        {"models": [{"name", "path", "task", "title", "format", "origin", "bytes", "modified", "card"}],
        "problems": [{"path", "message"}]}; origin is "own", "shared" or "shipped".
    """
    models, problems = installed_entries(progress, shared=not job.local)
    return {
        "models": [
            described(entry, card, origin)
            for entry, card, origin in models
            if job.task in ("", card.task)
        ],
        "problems": problems,
    }


def installed_entries(
    progress: Progress, *, shared: bool = True
) -> tuple[list[tuple[ModelEntry, Card, str]], list[dict[str, str]]]:
    """The models that can be read with their origin, and what cannot be read as [{"path", "message"}].

    Args:
        progress: Told the same problems as warnings.
        shared: Whether to look into shared folders, which may be slow.
    """
    folders = [folder for folder in model_folders() if shared or folder.origin in (OWN, SHIPPED)]
    found: dict[str, tuple[ModelEntry, str]] = {}
    problems = []
    for answer in ask_folders(folders, _entries):
        if answer.problem:
            problems.append({"path": str(answer.folder.path), "message": answer.problem})
        for entry in answer.found:
            found.setdefault(entry.path.name, (entry, answer.folder.origin))
    models = []
    for entry, origin in found.values():
        if entry.card is None:
            problems.append({"path": str(entry.path), "message": entry.problem})
        else:
            models.append((entry, entry.card, origin))
    for problem in problems:
        progress.warning(problem["message"])
    return models, problems


def described(entry: ModelEntry, card: Card, origin: str) -> dict[str, Any]:
    """A model as the protocol tells it."""
    return {
        "name": entry.path.stem,
        "path": str(entry.path),
        "task": card.task,
        "title": card.title or card.name,
        "format": ending(entry.path).lstrip("."),
        "origin": origin,
        "bytes": entry.bytes,
        "modified": entry.modified,
        "card": card.to_stac(),
    }


def _entries(folder: Path) -> Sequence[ModelEntry]:
    """Reads every card in a folder: in a shared one, this is what may take long."""
    entries = []
    for path in model_files(folder):
        try:
            status = path.stat()
            entries.append(ModelEntry(path, status.st_size, status.st_mtime, read_card(path)))
        except ModelInvalid as error:
            entries.append(ModelEntry(path, problem=error.message))
        except OSError:
            continue  # gone meanwhile
    return entries

"""The verb `models`: lists the installed models with their cards. Standard library only, so that it is fast."""

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
    """A model file in a folder, or why it cannot be read.

    Attributes:
        path: The file.
        bytes: Size of the file, bytes.
        modified: Time of its last change, seconds since 1970.
        card: Its card; None if it cannot be read.
        problem: Why it cannot be read; empty otherwise.
    """

    path: Path
    bytes: int = 0
    modified: float = 0.0
    card: Card | None = None
    problem: str = ""


def list_models(job: ModelsJob, progress: Progress) -> dict[str, Any]:
    """Lists models: the user's own, then shared, then shipped ones, each folder sorted by name.

    Files that cannot be read, and shared folders that do not respond, are left out with a warning.

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
    """The readable models with their origin, and the problems with others as [{"path", "message"}].

    Args:
        progress: Takes the problems as warnings.
        shared: Whether to include shared folders, which may be slow.
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
    """A model in the form of the protocol."""
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
    """Reads all cards in a folder, which may take long in a shared one."""
    entries = []
    for path in model_files(folder):
        try:
            status = path.stat()
            entries.append(ModelEntry(path, status.st_size, status.st_mtime, read_card(path)))
        except ModelInvalid as error:
            entries.append(ModelEntry(path, problem=error.message))
        except OSError:
            continue  # removed in the meantime
    return entries

"""Folders of models: the user's own, shared ones, and the shipped one. Standard library only.

A shared folder may be on a drive that does not respond, and reading from it cannot be interrupted. So it is read in a
thread that is abandoned if it takes too long.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Generic, TypeVar

from .endings import ONNX, SAFETENSORS, ending

OWN, SHARED, SHIPPED = "own", "shared", "shipped"
OWN_VARIABLE, SHARED_VARIABLE = "SPECTRALGPT_MODELS", "SPECTRALGPT_SHARED_MODELS"
SUFFIXES = (ONNX, SAFETENSORS)
PATIENCE = 5.0  # seconds to wait for all shared folders together

Read = TypeVar("Read")


@dataclass(frozen=True)
class ModelFolder:
    """A folder of models; `origin` is "own", "shared" or "shipped"."""

    path: Path
    origin: str


@dataclass(frozen=True)
class Answer(Generic[Read]):
    """The result of reading a folder; `problem` says why there is none."""

    folder: ModelFolder
    found: tuple[Read, ...] = ()
    problem: str = ""


def shipped_models() -> Path:
    """The folder of the shipped models."""
    return Path(__file__).resolve().parent.parent / "resources" / "models"


def model_folders() -> list[ModelFolder]:
    """All folders in the order in which names are looked up: own, shared, shipped.

    The first two come from the path lists in the variables SPECTRALGPT_MODELS and SPECTRALGPT_SHARED_MODELS.
    """
    named = [
        ModelFolder(Path(folder), origin)
        for variable, origin in ((OWN_VARIABLE, OWN), (SHARED_VARIABLE, SHARED))
        for folder in os.environ.get(variable, "").split(os.pathsep)
        if folder
    ]
    return [*named, ModelFolder(shipped_models(), SHIPPED)]


def model_files(folder: Path) -> list[Path]:
    """The model files in a folder, sorted by name.

    Raises:
        OSError: The folder cannot be read.
    """
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries if ending(entry.name) in SUFFIXES]
    return [folder / name for name in sorted(names) if not name.startswith(".")]


def ask_folders(
    folders: Sequence[ModelFolder],
    read: Callable[[Path], Sequence[Read]],
    patience: float | None = None,
) -> list[Answer[Read]]:
    """Reads folders; shared ones in parallel, with a common time limit.

    Args:
        folders: Folders to read.
        read: Returns the content of a folder; may raise OSError.
        patience: Seconds to wait for the shared folders; None for `PATIENCE`.

    Returns:
        One answer for each folder, in the same order.
    """
    answers: dict[ModelFolder, Answer[Read]] = {}

    def ask(folder: ModelFolder) -> None:
        try:
            answers[folder] = Answer(folder, tuple(read(folder.path)))
        except OSError as error:
            answers[folder] = Answer(folder, problem=_problem(folder, error))

    threads = {
        folder: threading.Thread(target=ask, args=(folder,), daemon=True)
        for folder in folders
        if folder.origin == SHARED
    }
    for thread in threads.values():
        thread.start()
    for folder in folders:
        if folder not in threads:
            ask(folder)
    until = time.monotonic() + (PATIENCE if patience is None else patience)
    for thread in threads.values():
        thread.join(max(0.0, until - time.monotonic()))
    return [
        answers.get(folder)
        or Answer(folder, problem=f"The folder {folder.path} is not responding.")
        for folder in folders
    ]


def _problem(folder: ModelFolder, error: OSError) -> str:
    if folder.origin != SHARED:
        return ""  # the user's own folder is created with the first model
    if isinstance(error, FileNotFoundError):
        return f"The folder {folder.path} does not exist, or its drive is not connected."
    if isinstance(error, NotADirectoryError):
        return f"{folder.path} is a file, not a folder."
    return f"The folder {folder.path} cannot be read: {error.strerror or error}."

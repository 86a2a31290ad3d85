"""Where models are looked for: the user's own folder, shared ones, then what ships. Standard library only.

A shared folder may lie on a drive that does not answer, and a read of such a drive cannot be ended: it is done in a
thread that is left behind when it takes too long.
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
PATIENCE = 5.0  # s that all shared folders together have to answer

Read = TypeVar("Read")


@dataclass(frozen=True)
class ModelFolder:
    """A folder of models; `origin` is "own", "shared" or "shipped"."""

    path: Path
    origin: str


@dataclass(frozen=True)
class Answer(Generic[Read]):
    """What reading a folder gave; `problem` says in words why there is nothing."""

    folder: ModelFolder
    found: tuple[Read, ...] = ()
    problem: str = ""


def shipped_models() -> Path:
    """The folder of the models that come with the plugin."""
    return Path(__file__).resolve().parent.parent / "resources" / "models"


def model_folders() -> list[ModelFolder]:
    """All folders in the order in which a name is looked up: own, shared, shipped.

    The first two come from the variables SPECTRALGPT_MODELS and SPECTRALGPT_SHARED_MODELS, each a path list.
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
    """Reads folders; shared ones side by side, and no longer than they may take together.

    Args:
        folders: What to read.
        read: Gives what there is in a folder; may raise OSError.
        patience: Seconds for the shared folders; None for `PATIENCE`.

    Returns:
        One answer for each folder, in their order.
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
        answers.get(folder) or Answer(folder, problem=f"The folder {folder.path} does not answer.")
        for folder in folders
    ]


def _problem(folder: ModelFolder, error: OSError) -> str:
    if folder.origin != SHARED:
        return ""  # a user's own folder is made with the first model
    if isinstance(error, FileNotFoundError):
        return f"The folder {folder.path} does not exist, or its drive is not connected."
    if isinstance(error, NotADirectoryError):
        return f"{folder.path} is a file, not a folder."
    return f"The folder {folder.path} cannot be read: {error.strerror or error}."

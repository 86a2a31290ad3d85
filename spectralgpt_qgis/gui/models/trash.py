"""Deleting a model's files so that it can be undone."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from qgis.PyQt.QtCore import QFile


@dataclass(frozen=True)
class Trashed:
    """A file in the trash, and where it was."""

    now: Path
    before: Path


def move_to_trash(files: Sequence[Path]) -> list[Trashed]:
    """Moves files to the system's trash.

    Args:
        files: Files of one model.

    Returns:
        What is needed to bring them back.

    Raises:
        OSError: The system has no trash for one of them; then all are where they were.
    """
    moved: list[Trashed] = []
    for file in files:
        done, place = QFile.moveToTrash(str(file))
        if not done:
            restore(moved)
            raise OSError(f"'{file}' cannot be moved to the trash.")
        if place:
            moved.append(Trashed(Path(place), file))
    return moved


def restore(files: Sequence[Trashed]) -> None:
    """Brings files back from the trash.

    Raises:
        OSError: The trash was emptied, or the place is taken.
    """
    for file in files:
        if file.before.exists():
            raise FileExistsError(f"There is a new file '{file.before}'.")
        shutil.move(str(file.now), str(file.before))
        # Where a freedesktop.org trash notes what was where; elsewhere there is no such file.
        note = file.now.parent.parent / "info" / f"{file.now.name}.trashinfo"
        note.unlink(missing_ok=True)


def delete(files: Sequence[Path]) -> None:
    """Deletes files for good, where there is no trash.

    Raises:
        OSError: One cannot be deleted.
    """
    for file in files:
        file.unlink()

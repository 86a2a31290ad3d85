"""Moves a model's files to the system's trash, from which they can be restored."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from qgis.PyQt.QtCore import QFile


@dataclass(frozen=True)
class Trashed:
    """A file in the trash: its path there, and its path before."""

    now: Path
    before: Path


def move_to_trash(files: Sequence[Path]) -> list[Trashed]:
    """Moves files to the system's trash.

    Args:
        files: Files of one model.

    Returns:
        The moved files, for `restore`.

    Raises:
        OSError: The system has no trash for one of them; then all of them are back in place.
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
    """Restores files from the trash.

    Raises:
        OSError: The trash was emptied, or there is a new file at the old path.
    """
    for file in files:
        if file.before.exists():
            raise FileExistsError(f"There is a new file '{file.before}'.")
        shutil.move(str(file.now), str(file.before))
        # The freedesktop.org trash stores the original path in this file; other systems have none.
        note = file.now.parent.parent / "info" / f"{file.now.name}.trashinfo"
        note.unlink(missing_ok=True)


def delete(files: Sequence[Path]) -> None:
    """Deletes files permanently, where there is no trash.

    Raises:
        OSError: A file cannot be deleted.
    """
    for file in files:
        file.unlink()

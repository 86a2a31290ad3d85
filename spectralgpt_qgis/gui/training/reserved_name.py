"""Reserves the name of a model while it is trained, so that another QGIS of the user does not take it too."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

_ENDING = ".training"  # any file of the name makes it taken, see model_catalogue.free_model_file


class ReservedName:
    """At most one name; after a crash its empty file is left behind, which only skips that name."""

    def __init__(self) -> None:
        """Reserves nothing yet."""
        self._file: Path | None = None

    def take(self, model: str) -> bool:
        """Reserves a name; returns False if another process was faster.

        Args:
            model: Path of the model to come.
        """
        self.release()
        file = Path(model).with_suffix(_ENDING)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.open("x").close()
        except FileExistsError:
            return False
        except OSError:
            return True  # the training itself says what is wrong with the folder
        self._file = file
        return True

    def release(self) -> None:
        """Removes the reservation, if there is one."""
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):
                file.unlink()

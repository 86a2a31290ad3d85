"""Model files dropped on QGIS's window."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from qgis.gui import QgsCustomDropHandler

from .recognise import is_our_model


class ModelDropHandler(QgsCustomDropHandler):
    """Takes models of this plugin and SpectralGPT checkpoints; everything else is left to QGIS and others."""

    def __init__(self, take_in: Callable[[Path], Any]) -> None:
        """Is not registered yet.

        Args:
            take_in: Called with the file.
        """
        super().__init__()
        self._take_in = take_in

    def handleFileDrop(self, file: str) -> bool:  # noqa: N802
        """Called by QGIS for every file that is dropped; True when it was ours."""
        if not is_our_model(Path(file)):
            return False
        self._take_in(Path(file))
        return True

"""Handles model files that are dropped on QGIS's window."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from qgis.gui import QgsCustomDropHandler

from .recognise import is_our_model


class ModelDropHandler(QgsCustomDropHandler):
    """Accepts models of this plugin and SpectralGPT checkpoints; leaves all other files to QGIS and other plugins."""

    def __init__(self, take_in: Callable[[Path], Any]) -> None:
        """Makes the handler, but does not register it.

        Args:
            take_in: Called with a file to import.
        """
        super().__init__()
        self._take_in = take_in

    def handleFileDrop(self, file: str) -> bool:  # noqa: N802
        """Called by QGIS for every file that is dropped; returns whether it was handled."""
        if not is_our_model(Path(file)):
            return False
        self._take_in(Path(file))
        return True

"""Opens the dialogs of our algorithms beside QGIS, which stays usable, and closes them before the plugin goes.

An algorithm keeps a pointer to its provider, which QGIS deletes when it is removed. A dialog that is still there then
takes QGIS down as soon as a layer goes: it asks its algorithm for its id (seen with QGIS 3.40).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from qgis.gui import QgsProcessingAlgorithmDialogBase
from qgis.PyQt.QtCore import QCoreApplication, QEvent
from qgis.PyQt.QtWidgets import QApplication

from ..provider import SpectralGPTProvider


class ToolDialogs:
    """Opens dialogs for whoever asks; closes all of our algorithms when the plugin goes."""

    def __init__(self, recall: Callable[[str], dict[str, Any]]) -> None:
        """Opens nothing yet.

        Args:
            recall: Gives what was chosen in the last run of an algorithm.
        """
        self._recall = recall

    def add(self) -> None:
        """Nothing is there until it is asked for."""

    def remove(self) -> None:
        """Closes the dialogs, also those that Processing's toolbox opened, and has Qt delete them at once."""
        for dialog in list(_our_dialogs()):
            dialog.close()
            QCoreApplication.sendPostedEvents(dialog, QEvent.Type.DeferredDelete)

    def open(self, algorithm: str, parameters: Mapping[str, Any], note: str = "") -> Any:
        """Opens a dialog with the choices of the last run, see :func:`open_tool`."""
        return open_tool(algorithm, {**self._recall(algorithm), **parameters}, note)


def open_tool(algorithm: str, parameters: Mapping[str, Any], note: str = "") -> Any:
    """Opens a dialog and returns it; None when Processing does not know the algorithm.

    Args:
        algorithm: Id, such as "spectralgpt:segment".
        parameters: What to fill in; the rest is as usual.
        note: What the user should know of it; shown inside the dialog.
    """
    import processing  # a plugin of its own, which may be loaded after this one

    dialog = processing.createAlgorithmDialog(algorithm, dict(parameters))
    if dialog is None:
        return None
    if note:
        dialog.messageBar().pushInfo("", note)
    dialog.show()
    dialog.raise_()
    return dialog


def _our_dialogs() -> Iterator[QgsProcessingAlgorithmDialogBase]:
    for window in QApplication.topLevelWidgets():
        if isinstance(window, QgsProcessingAlgorithmDialogBase):
            algorithm = window.algorithm()
            if algorithm is not None and algorithm.provider().id() == SpectralGPTProvider.ID:
                yield window

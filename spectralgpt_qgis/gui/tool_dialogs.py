"""Opens non-modal dialogs of the plugin's algorithms, and closes them before the plugin is unloaded.

An algorithm has a pointer to its provider, which QGIS deletes when it is removed. A dialog that is still open then
crashes QGIS as soon as a layer is removed, because it asks its algorithm for its id (seen with QGIS 3.40).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from qgis.core import Qgis
from qgis.gui import QgsProcessingAlgorithmDialogBase
from qgis.PyQt.QtCore import QCoreApplication, QEvent
from qgis.PyQt.QtWidgets import QApplication

from ..provider import ALGORITHMS
from .plain_text import push_plain


class ToolDialogs:
    """Opens dialogs for other parts; closes those of all the plugin's algorithms when the plugin is unloaded."""

    def __init__(self, recall: Callable[[str], dict[str, Any]]) -> None:
        """Opens nothing yet.

        Args:
            recall: Returns the choices of an algorithm's last run.
        """
        self._recall = recall

    def add(self) -> None:
        """Does nothing: dialogs are made when they are opened."""

    def remove(self) -> None:
        """Closes the dialogs, also those opened from the Processing toolbox, and makes Qt delete them at once."""
        for dialog in _our_dialogs():
            dialog.close()
            QCoreApplication.sendPostedEvents(dialog, QEvent.Type.DeferredDelete)

    def open(self, algorithm: str, parameters: Mapping[str, Any], note: str = "") -> Any:
        """Opens a dialog with the choices of the last run filled in, see :func:`open_tool`."""
        return open_tool(algorithm, {**self._recall(algorithm), **parameters}, note)


def open_tool(algorithm: str, parameters: Mapping[str, Any], note: str = "") -> Any:
    """Opens a dialog and returns it; None if Processing does not know the algorithm.

    Args:
        algorithm: Id, such as "spectralgpt:segment".
        parameters: Values to fill in; other parameters have their defaults.
        note: Message to show in the dialog; empty for none.
    """
    import processing  # another plugin, which may be loaded after this one

    dialog = processing.createAlgorithmDialog(algorithm, dict(parameters))
    if dialog is None:
        return None
    if note:
        push_plain(dialog.messageBar(), note, Qgis.MessageLevel.Info, title="")
    dialog.show()
    dialog.raise_()
    return dialog


def _our_dialogs() -> list[QgsProcessingAlgorithmDialogBase]:
    # By class: the provider of an algorithm of another plugin may have been deleted, so its id must not be asked for.
    return [
        window
        for window in QApplication.topLevelWidgets()
        if isinstance(window, QgsProcessingAlgorithmDialogBase)
        and isinstance(window.algorithm(), ALGORITHMS)
    ]

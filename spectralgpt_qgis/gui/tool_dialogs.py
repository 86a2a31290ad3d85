"""Opens the dialogs of our algorithms beside QGIS, which stays usable, with values filled in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from qgis.PyQt import sip


class ToolDialogs:
    """Opens dialogs for whoever asks, and closes those that are still open when the plugin goes."""

    def __init__(self, iface: Any, recall: Callable[[str], dict[str, Any]]) -> None:
        """Opens nothing yet.

        Args:
            iface: QGIS's interface.
            recall: Gives what was chosen in the last run of an algorithm.
        """
        self._iface, self._recall = iface, recall
        self._opened: list[Any] = []

    def add(self) -> None:
        """Nothing is there until it is asked for."""

    def remove(self) -> None:
        """Closes the dialogs; a run goes on without its dialog, and QGIS shows that again if the run fails."""
        for dialog in self._opened:
            if not sip.isdeleted(dialog):
                dialog.close()
        self._opened.clear()

    def open(self, algorithm: str, parameters: Mapping[str, Any], note: str = "") -> Any:
        """Opens a dialog and returns it; None when Processing does not know the algorithm.

        Args:
            algorithm: Id, such as "spectralgpt:segment".
            parameters: What to fill in; the rest is as in the last run, or as usual.
            note: What the user should know of it; shown inside the dialog.
        """
        import processing  # a plugin of its own, which may be loaded after this one

        dialog = processing.createAlgorithmDialog(
            algorithm, {**self._recall(algorithm), **parameters}
        )
        if dialog is None:
            return None
        self._opened = [other for other in self._opened if not sip.isdeleted(other)]
        self._opened.append(dialog)
        if note:
            dialog.messageBar().pushInfo("", note)
        dialog.show()
        dialog.raise_()
        return dialog

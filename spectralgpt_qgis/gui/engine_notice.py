"""Tells the user once a session that the engine is missing, and opens the window that installs it."""

from __future__ import annotations

from typing import Any

from qgis.core import Qgis, QgsApplication
from qgis.PyQt.QtWidgets import QPushButton

from .. import engine_access
from ..i18n import tr
from ..provider import SpectralGPTProvider
from .engine_dialog import EngineDialog


class EngineNotice:
    """Holds the message and the window; `remove` takes both away."""

    def __init__(self, iface: Any) -> None:
        """Shows nothing yet."""
        self._iface = iface
        self._message: Any = None
        self._dialog: EngineDialog | None = None

    def add(self) -> None:
        """Offers the installation when there is no usable engine."""
        if engine_access.status().usable:
            return
        bar = self._iface.messageBar()
        message = bar.createMessage("SpectralGPT", engine_access.why_not_ready())
        button = QPushButton(tr("Install…"))
        button.clicked.connect(self.open_dialog)
        message.layout().addWidget(button)
        message.destroyed.connect(self._forget_message)
        self._message = message
        bar.pushWidget(message, Qgis.MessageLevel.Info)

    def open_dialog(self, *_: Any) -> EngineDialog:
        """Shows the window and returns it; QGIS stays usable."""
        self._drop_message()
        if self._dialog is None:
            self._dialog = EngineDialog(self._iface.mainWindow())
            self._dialog.changed.connect(_tell_toolbox)
        elif not self._dialog.busy:
            self._dialog.refresh()
        self._dialog.show()
        self._dialog.raise_()
        return self._dialog

    def remove(self) -> None:
        """Takes everything away; an installation that runs is cancelled."""
        self._drop_message()
        if self._dialog is not None:
            self._dialog.cancel()
            self._dialog.close()
            self._dialog.deleteLater()
            self._dialog = None

    def _drop_message(self) -> None:
        message, self._message = self._message, None
        if message is not None:
            self._iface.messageBar().popWidget(message)

    def _forget_message(self, *_: Any) -> None:
        self._message = None


def _tell_toolbox() -> None:
    """Has the toolbox ask the provider again whether something is missing."""
    provider = QgsApplication.processingRegistry().providerById(SpectralGPTProvider.ID)
    if provider is not None:
        provider.refreshAlgorithms()

"""Reminds the user once that the engine is missing, reports how an installation ended, and opens the engine window."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from qgis.core import Qgis, QgsApplication
from qgis.PyQt.QtCore import QTimer
from qgis.PyQt.QtWidgets import QPushButton

from .. import settings
from ..i18n import tr
from ..provider import SpectralGPTProvider
from .plain_text import plain_message, push_plain

if TYPE_CHECKING:
    from ..tasks.engine_state import EngineState
    from .options.engine_work import EngineWork

_DAYS = 30  # without a reminder after "Not now"
_SHOWN = 10  # s to show the message about the end of an installation


class EngineNotice:
    """Owns the message and the window; `remove` closes both."""

    def __init__(self, iface: Any) -> None:
        """Shows nothing yet.

        Args:
            iface: QGIS's interface.
        """
        self._iface = iface
        self._message: Any = None
        self._dialog: Any = None
        self._offered = False
        self._work: EngineWork | None = None
        self._start = QTimer()
        self._start.setSingleShot(True)
        self._start.timeout.connect(lambda: self.work.look(measure=False))

    @property
    def work(self) -> EngineWork:
        """Installation, test and removal of the engine; created on first use, not when QGIS starts."""
        if self._work is None:
            from .options.engine_work import EngineWork

            self._work = EngineWork()
            self._work.changed.connect(_tell_toolbox)
            self._work.ended.connect(self._tell_end)
            self._work.seen.connect(self._seen)
        return self._work

    def add(self) -> None:
        """Looks for the engine after QGIS has started, and offers to install it unless the user chose "Not now"."""
        self._start.start(0)

    def open_dialog(self, *_: Any) -> Any:
        """Shows the window, which is not modal, and returns it."""
        from .engine_dialog import EngineDialog  # not at the start of QGIS

        self._drop_message()
        if self._dialog is None:
            self._dialog = EngineDialog(self.work, self._iface.mainWindow())
        elif not self._dialog.isVisible() and not self.work.busy:
            self.work.look()
        self._dialog.show()
        self._dialog.raise_()
        self._dialog.activateWindow()
        return self._dialog

    def remove(self) -> None:
        """Closes the message and the window; cancels a running installation."""
        self._start.stop()
        if self._work is not None:
            self._work.close()
        self._drop_message()
        if self._dialog is not None:
            self._dialog.close()
            self._dialog.deleteLater()
            self._dialog = None

    # -- the offer -------------------------------------------------------------------------------

    def _seen(self, state: EngineState) -> None:
        if state.status.usable:
            self._drop_message()
            return
        if self._offered or (self._dialog is not None and self._dialog.isVisible()):
            return
        self._offered = True  # once a session
        if state.status.state == "missing" and _asked_not_now():
            return
        self._offer(state)

    def _offer(self, state: EngineState) -> None:
        if state.status.state == "broken":
            text, act = tr("The engine is damaged and must be repaired."), tr("Repair…")
        elif state.status.interrupted:
            text = tr("The installation of the engine was not completed.")
            act = tr("Install…")
        else:
            text = tr("The tools need the SpectralGPT engine, which is not installed yet.")
            act = tr("Install…")
        bar = self._iface.messageBar()
        message = plain_message(bar, text)
        for words, slot in ((act, self.open_dialog), (tr("Not now"), self._not_now)):
            button = QPushButton(words)
            button.clicked.connect(slot)
            message.layout().addWidget(button)
        message.destroyed.connect(self._forget_message)
        self._message = message
        bar.pushWidget(message, Qgis.MessageLevel.Info)

    def _not_now(self, *_: Any) -> None:
        settings.set_value("not_now", (date.today() + timedelta(days=_DAYS)).isoformat())
        self._drop_message()

    def _drop_message(self) -> None:
        message, self._message = self._message, None
        if message is not None:
            self._iface.messageBar().popWidget(message)

    def _forget_message(self, *_: Any) -> None:
        self._message = None

    # -- the end of what was done ----------------------------------------------------------------

    def _tell_end(self, how: str, failure: str) -> None:
        """Reports the end in the message bar, unless a window already shows it."""
        window = QgsApplication.activeModalWidget() or self._dialog
        if how == "cancelled" or (window is not None and window.isVisible()):
            return
        bar = self._iface.messageBar()
        if how == "failed":
            push_plain(bar, failure, seconds=0)
        else:
            push_plain(bar, tr("The engine is ready."), Qgis.MessageLevel.Success, _SHOWN)


def _asked_not_now() -> bool:
    """Whether the user chose "Not now" within the last days."""
    try:
        until = date.fromisoformat(settings.value("not_now"))
    except ValueError:
        return False
    # The upper limit is for a clock that was wrong, which must not suppress the reminder for years.
    return date.today() < until <= date.today() + timedelta(days=_DAYS)


def _tell_toolbox() -> None:
    """Makes the toolbox update the provider's warning about the missing engine."""
    provider = QgsApplication.processingRegistry().providerById(SpectralGPTProvider.ID)
    if provider is not None:
        provider.refreshAlgorithms()

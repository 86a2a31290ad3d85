"""The models window as a part of the plugin, and the handler of model files that are dropped on the map."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qgis.core import Qgis
from qgis.PyQt.QtWidgets import QPushButton

from ...i18n import tr
from ..plain_text import plain_message, push_plain
from .drop import ModelDropHandler

if TYPE_CHECKING:
    from .window import ModelsWindow
    from .work import ModelWork


class ModelsPart:
    """Owns the window and the work; while the window is closed, results of work appear in QGIS's message bar.

    Both are made, and their modules imported, on first use, so that they do not slow down the start of QGIS.
    """

    def __init__(self, iface: Any, open_tool: Callable[..., Any]) -> None:
        """Opens nothing yet.

        Args:
            iface: QGIS's interface.
            open_tool: Called with the id of an algorithm and parameters to open its dialog.
        """
        self._iface = iface
        self._open_tool = open_tool
        self._made_work: ModelWork | None = None
        self._window: ModelsWindow | None = None
        self._drops: ModelDropHandler | None = None

    def add(self) -> None:
        """Registers the handler of dropped files."""
        self._drops = ModelDropHandler(self._dropped)
        self._iface.registerCustomDropHandler(self._drops)

    def remove(self) -> None:
        """Unregisters the handler, closes the window and cancels work."""
        if self._drops is not None:
            self._iface.unregisterCustomDropHandler(self._drops)
            self._drops = None
        work, self._made_work = self._made_work, None
        if work is not None:
            work.succeeded.disconnect(self._succeeded)
            work.failed.disconnect(self._failed)
            work.cancel()
        if self._window is not None:
            self._window.close()
            self._window.deleteLater()
            self._window = None

    def open(self, *_: Any) -> ModelsWindow:
        """Shows the window and returns it."""
        if self._window is None:
            from .window import ModelsWindow

            self._window = ModelsWindow(self._iface.mainWindow(), self._work, self._open_tool)
        self._window.show()
        self._window.raise_()
        self._window.activateWindow()
        self._window.refresh()
        return self._window

    @property
    def _work(self) -> ModelWork:
        if self._made_work is None:
            from .work import ModelWork

            self._made_work = ModelWork()
            self._made_work.succeeded.connect(self._succeeded)
            self._made_work.failed.connect(self._failed)
        return self._made_work

    @property
    def _shown(self) -> bool:
        return self._window is not None and self._window.isVisible()

    def _dropped(self, path: Path) -> None:
        self._work.take_in(path)
        if self._work.busy and not self._shown:
            text = tr("Importing '{}'…").format(path.name)
            push_plain(self._iface.messageBar(), text, Qgis.MessageLevel.Info, 3)

    def _succeeded(self, text: str, name: str) -> None:
        if self._shown:
            return
        bar = self._iface.messageBar()
        message = plain_message(bar, text)
        button = QPushButton(tr("Models…"))
        button.clicked.connect(lambda: self.open().refresh(name))
        message.layout().addWidget(button)
        bar.pushWidget(message, Qgis.MessageLevel.Success, 8)

    def _failed(self, text: str) -> None:
        if not self._shown:
            push_plain(self._iface.messageBar(), text, seconds=0)

"""The page "SpectralGPT" under Settings > Options."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from qgis.gui import QgsOptionsPageWidget, QgsOptionsWidgetFactory
from qgis.PyQt.QtGui import QIcon
from qgis.PyQt.QtWidgets import QVBoxLayout, QWidget

from ... import paths
from ..help import add_help

if TYPE_CHECKING:
    from .engine_work import EngineWork

PAGE = "SpectralGPTOptions"  # the page's object name: what iface.showOptionsDialog takes


class EngineOptionsPage(QgsOptionsPageWidget):
    """Shows the widget; OK keeps the settings, Cancel does not."""

    def __init__(self, work: EngineWork, parent: QWidget | None = None) -> None:
        """Shows what is kept.

        Args:
            work: What is done to the engine; it goes on when the options are closed.
            parent: QGIS's options.
        """
        from .engine_widget import EngineWidget, scrolled  # not at the start of QGIS

        super().__init__(parent)
        self.setObjectName(PAGE)
        self.panel = EngineWidget(work)  # F1 opens our guide; QGIS's options have a Help button
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scrolled(self.panel), 1)
        add_help(self, "options")

    def apply(self) -> None:
        """Keeps the settings; called by QGIS on OK."""
        self.panel.keep()


class EngineOptionsFactory(QgsOptionsWidgetFactory):
    """Makes the page each time QGIS opens its options."""

    def __init__(self, work: Callable[[], EngineWork]) -> None:
        """Makes nothing yet."""
        super().__init__()
        self._work = work
        self.setTitle("SpectralGPT")
        self.setIcon(QIcon(paths.icon("spectralgpt")))

    def createWidget(self, parent: QWidget | None = None) -> QgsOptionsPageWidget:  # noqa: N802
        """The page; belongs to QGIS."""
        return EngineOptionsPage(self._work(), parent)


class EngineOptions:
    """Adds the page to QGIS's options."""

    def __init__(self, iface: Any, work: Callable[[], EngineWork]) -> None:
        """Adds nothing yet.

        Args:
            iface: QGIS's interface.
            work: Gives what is done to the engine.
        """
        self._iface = iface
        self._factory = EngineOptionsFactory(work)

    def add(self) -> None:
        """Registers the page."""
        self._iface.registerOptionsWidgetFactory(self._factory)

    def remove(self) -> None:
        """Takes it away."""
        self._iface.unregisterOptionsWidgetFactory(self._factory)

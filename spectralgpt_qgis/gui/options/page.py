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

PAGE = "SpectralGPTOptions"  # the page's object name, for iface.showOptionsDialog


class EngineOptionsPage(QgsOptionsPageWidget):
    """Shows the widget; OK stores the settings, Cancel does not."""

    def __init__(self, work: EngineWork, parent: QWidget | None = None) -> None:
        """Shows the stored settings.

        Args:
            work: Tasks on the engine, which continue when the options are closed.
            parent: QGIS's options dialog.
        """
        from .engine_widget import EngineWidget, scrolled  # not at the start of QGIS

        super().__init__(parent)
        self.setObjectName(PAGE)
        # Without a help button: QGIS's options have one, and F1 opens the plugin's guide.
        self.panel = EngineWidget(work)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scrolled(self.panel), 1)
        add_help(self, "options")

    def apply(self) -> None:
        """Stores the settings; called by QGIS on OK."""
        self.panel.keep()


class EngineOptionsFactory(QgsOptionsWidgetFactory):
    """Makes the page each time QGIS opens its options."""

    def __init__(self, work: Callable[[], EngineWork]) -> None:
        """Makes the factory, but no page yet.

        Args:
            work: Returns the tasks on the engine, which are only created on demand.
        """
        super().__init__()
        self._work = work
        self.setTitle("SpectralGPT")
        self.setIcon(QIcon(paths.icon("spectralgpt")))

    def createWidget(self, parent: QWidget | None = None) -> QgsOptionsPageWidget:  # noqa: N802
        """The page, which QGIS owns."""
        return EngineOptionsPage(self._work(), parent)


class EngineOptions:
    """Adds the page to QGIS's options."""

    def __init__(self, iface: Any, work: Callable[[], EngineWork]) -> None:
        """Adds nothing yet.

        Args:
            iface: QGIS's interface.
            work: Returns the tasks on the engine, which are only created on demand.
        """
        self._iface = iface
        self._factory = EngineOptionsFactory(work)

    def add(self) -> None:
        """Registers the page."""
        self._iface.registerOptionsWidgetFactory(self._factory)

    def remove(self) -> None:
        """Unregisters the page."""
        self._iface.unregisterOptionsWidgetFactory(self._factory)

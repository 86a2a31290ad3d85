"""Wires the parts into QGIS; `unload` mirrors `initGui`."""

from __future__ import annotations

from functools import partial
from typing import Any

from qgis.core import QgsApplication
from qgis.PyQt.QtCore import QCoreApplication, QTranslator

from . import paths
from .i18n import tr
from .provider import SpectralGPTProvider


class SpectralGPTPlugin:
    """The plugin, as QGIS loads it; with `initProcessing` alone it also serves `qgis_process`."""

    MENU = "SpectralGPT"

    def __init__(self, iface: Any) -> None:
        """Adds nothing yet.

        Args:
            iface: QGIS's interface; None in `qgis_process`.
        """
        self._iface = iface
        self._provider: SpectralGPTProvider | None = None
        self._translator: QTranslator | None = None
        self._actions: list[Any] = []
        self._layer_actions: Any = None
        self._engine: Any = None

    def initProcessing(self) -> None:  # noqa: N802
        """Adds the provider."""
        self._translate()
        self._provider = SpectralGPTProvider()
        QgsApplication.processingRegistry().addProvider(self._provider)

    def initGui(self) -> None:  # noqa: N802
        """Adds provider, menu and layer entries."""
        from .gui.engine_notice import EngineNotice
        from .gui.layer_actions import LayerActions, open_tool, tools

        self.initProcessing()
        self._engine = EngineNotice(self._iface)
        for tool in tools():
            self._add_action(tool.icon, tool.text, partial(self._open, open_tool, tool))
        self._add_action("engine", tr("Engine…"), self._engine.open_dialog)
        self._layer_actions = LayerActions(self._iface)
        self._layer_actions.add()
        self._engine.watch()

    def unload(self) -> None:
        """Takes away what was added, in the opposite order."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None
        if self._layer_actions is not None:
            self._layer_actions.remove()
            self._layer_actions = None
        for action in reversed(self._actions):
            self._iface.removePluginRasterMenu(self.MENU, action)
            action.deleteLater()
        self._actions.clear()
        if self._provider is not None:
            QgsApplication.processingRegistry().removeProvider(self._provider)
            self._provider = None
        if self._translator is not None:
            QCoreApplication.removeTranslator(self._translator)
            self._translator = None

    def _add_action(self, icon: str, text: str, slot: Any) -> None:
        from .gui.actions import make_action

        action = make_action(icon, text, self._iface.mainWindow(), slot)
        self._iface.addPluginToRasterMenu(self.MENU, action)
        self._actions.append(action)

    def _open(self, open_tool: Any, tool: Any, *_: Any) -> None:
        open_tool(tool, self._iface.activeLayer())

    def _translate(self) -> None:
        """Loads the user's language, when it is there; at most once."""
        if self._translator is not None:
            return
        language = QgsApplication.instance().locale()
        translator = QTranslator()
        if translator.load(f"spectralgpt_{language}", str(paths.TRANSLATIONS)):
            QCoreApplication.installTranslator(translator)
            self._translator = translator

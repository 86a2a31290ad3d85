"""The training dock as a part of the plugin: its toolbar button, and the dock, which is made on first use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qgis.core import QgsMapLayer
from qgis.PyQt.QtCore import Qt

from ...i18n import tr
from ..actions import make_action


class TrainingPart:
    """Owns the dock, which is made when it is first opened, so that it does not slow down the start of QGIS."""

    def __init__(self, iface: Any, open_engine: Callable[..., Any]) -> None:
        """Adds nothing yet.

        Args:
            iface: QGIS's interface.
            open_engine: Opens the window that installs the engine.
        """
        self._iface = iface
        self._open_engine = open_engine
        self._action: Any = None
        self._dock: Any = None

    def add(self) -> None:
        """Adds the button that shows and hides the dock."""
        self._action = make_action(
            "finetune", tr("Fine-tune a model"), self._iface.mainWindow(), self._toggle
        )
        self._action.setCheckable(True)
        self._iface.addToolBarIcon(self._action)

    def remove(self) -> None:
        """Removes button and dock; cancels a running training."""
        if self._dock is not None:
            self._dock.close_down()
            self._iface.removeDockWidget(self._dock)
            self._dock.deleteLater()
            self._dock = None
        if self._action is not None:
            self._iface.removeToolBarIcon(self._action)
            self._action.deleteLater()
            self._action = None

    def open(self, layer: QgsMapLayer | None = None) -> Any:
        """Shows the dock and returns it.

        Args:
            layer: A raster to learn from; other layers are ignored.
        """
        if self._dock is None:
            self._dock = self._make_dock()
        self._dock.open_with(layer)
        return self._dock

    def _make_dock(self) -> Any:
        from .dock import TrainingDock
        from .result_panel import ResultPanel
        from .run_panel import RunPanel

        dock = TrainingDock(self._iface, RunPanel(), ResultPanel(self._iface), self._open_engine)
        self._iface.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, dock)
        dock.setToggleVisibilityAction(self._action)
        return dock

    def _toggle(self, checked: bool = True) -> None:
        if self._dock is None and checked:
            self.open(self._iface.activeLayer())

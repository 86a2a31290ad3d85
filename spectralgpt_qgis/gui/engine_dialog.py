"""A non-modal window for the engine and its settings."""

from __future__ import annotations

from qgis.PyQt.QtGui import QIcon
from qgis.PyQt.QtWidgets import QDialog, QDialogButtonBox, QVBoxLayout, QWidget

from .. import paths
from ..i18n import tr
from .help import add_help
from .options.engine_widget import EngineWidget, scrolled
from .options.engine_work import EngineWork
from .window_size import resize_on_screen

_WIDTH, _HEIGHT = 720, 640


class EngineDialog(QDialog):
    """Wraps the widget that QGIS's options dialog contains too."""

    def __init__(self, work: EngineWork, parent: QWidget | None = None) -> None:
        """Shows the state of the engine.

        Args:
            work: Installation, test and removal of the engine.
            parent: QGIS's main window.
        """
        super().__init__(parent)
        self.setWindowTitle(tr("SpectralGPT Engine"))
        self.setWindowIcon(QIcon(paths.icon("engine")))
        resize_on_screen(self, _WIDTH, _HEIGHT)
        self.panel = EngineWidget(work)
        kinds = QDialogButtonBox.StandardButton
        buttons = QDialogButtonBox(kinds.Close | kinds.Help)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(scrolled(self.panel), 1)
        layout.addWidget(buttons)
        add_help(self, "engine")

    def done(self, result: int) -> None:
        """Stores the settings whenever the window is closed, by its button, Esc or the title bar."""
        self.panel.keep()
        super().done(result)

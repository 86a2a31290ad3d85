"""The engine and its settings in a window of its own, which leaves QGIS usable while it works."""

from __future__ import annotations

from qgis.PyQt.QtGui import QIcon
from qgis.PyQt.QtWidgets import QDialog, QDialogButtonBox, QVBoxLayout, QWidget

from .. import paths
from ..i18n import tr
from .help import add_help
from .options.engine_widget import EngineWidget, scrolled
from .options.engine_work import EngineWork

_WIDTH, _HEIGHT = 720, 640


class EngineDialog(QDialog):
    """A thin shell around the widget that QGIS's options show too."""

    def __init__(self, work: EngineWork, parent: QWidget | None = None) -> None:
        """Shows the state of the engine.

        Args:
            work: What is done to the engine.
            parent: QGIS's main window.
        """
        super().__init__(parent)
        self.setWindowTitle(tr("SpectralGPT Engine"))
        self.setWindowIcon(QIcon(paths.icon("engine")))
        self.resize(_WIDTH, _HEIGHT)
        self.panel = EngineWidget(work)
        kinds = QDialogButtonBox.StandardButton
        buttons = QDialogButtonBox(kinds.Close | kinds.Help)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(scrolled(self.panel), 1)
        layout.addWidget(buttons)
        add_help(self, "engine")

    def done(self, result: int) -> None:
        """Keeps the settings, however the window is closed: by its button, Escape or the frame."""
        self.panel.keep()
        super().done(result)

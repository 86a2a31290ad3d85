"""The form to choose what to install; shows the download and disk space before the installation."""

from __future__ import annotations

from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtWidgets import QCheckBox, QLabel, QRadioButton, QVBoxLayout, QWidget

from ... import settings
from ...engine_environment import Status
from ...i18n import tr
from ...install_size import install_size
from .engine_words import cost_text


class InstallForm(QWidget):
    """The choice of a tier and of an accelerator."""

    chosen = pyqtSignal()

    def __init__(self) -> None:
        """Shows the stored settings."""
        super().__init__()
        self._free: int | None = None
        self._offline = False
        self.maps = QRadioButton(tr("&Maps with existing models"))
        self.training = QRadioButton(
            tr("Maps, import of checkpoints and &training of your own models")
        )
        self.gpu = QCheckBox(tr("Support for an NVIDIA &GPU"))
        self.maps.setChecked(True)
        self.gpu.setChecked(settings.value("accelerator") == "cuda")
        self.cost = QLabel()
        self.cost.setWordWrap(True)
        self.cost.setTextFormat(Qt.TextFormat.RichText)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in (self.maps, self.training, self.gpu, self.cost):
            layout.addWidget(widget)
        self.training.toggled.connect(self._changed)
        self.gpu.toggled.connect(self._changed)
        self._changed()

    @property
    def tier(self) -> str:
        """The chosen tier."""
        return "training" if self.training.isChecked() else "inference"

    @property
    def accelerator(self) -> str:
        """The chosen accelerator."""
        return "cuda" if self.gpu.isChecked() else "cpu"

    def show_status(self, status: Status) -> None:
        """Selects the tier that is installed."""
        if status.usable:
            (self.training if status.tier == "training" else self.maps).setChecked(True)

    def show_room(self, free: int | None, offline: bool) -> None:
        """Shows whether there is enough disk space.

        Args:
            free: Free bytes on the engine's disk; None if unknown.
            offline: Whether packages come from a folder of wheels.
        """
        self._free, self._offline = free, offline
        self._changed()

    def allow(self, allowed: bool) -> None:
        """Enables or disables the choice."""
        for widget in (self.maps, self.training, self.gpu):
            widget.setEnabled(allowed)

    def _changed(self, *_: object) -> None:
        size = install_size(self.tier, self.accelerator)
        self.cost.setText(cost_text(size, self._free, self._offline, self.palette()))
        self.cost.setToolTip(
            tr("Package sizes for this system, as of {}").format(size.recorded)
            if size.recorded
            else ""
        )
        self.chosen.emit()

"""The form for the defaults of device, threads and memory."""

from __future__ import annotations

import os
import sys

from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import QComboBox, QFormLayout, QGroupBox, QLabel, QSpinBox, QVBoxLayout

from ... import settings, tested_devices
from ...i18n import tr
from .engine_words import tested_text

_MOST_THREADS = 1024  # the limit of the algorithms' parameter
# MB. The engine with a model and its caches needs some 300 MB; the spin box's lowest value means "no limit".
_STEP, _LEAST, _MOST = 512, 1024, 1024 * 1024


class ComputingForm(QGroupBox):
    """Shows the settings; `keep` stores them."""

    def __init__(self) -> None:
        """Shows the stored settings."""
        super().__init__(tr("Default settings of the tools"))
        self.device = QComboBox()
        self.device.addItem(tr("Automatic: the GPU if it works, otherwise the processor"), "auto")
        self.device.addItem(tr("Processor"), "cpu")
        self.device.addItem(tr("GPU only"), "gpu")
        # The drop-down list shows the whole texts, the closed box only what fits.
        self.device.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.device.setMinimumContentsLength(20)
        self.tested = QLabel()
        self.tested.setWordWrap(True)
        self.tested.setTextFormat(Qt.TextFormat.RichText)
        self.tested.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.threads = QSpinBox()
        self.threads.setRange(0, _MOST_THREADS)
        self.threads.setSpecialValueText(tr("All ({})").format(os.cpu_count() or 1))
        self.memory = QSpinBox()
        self.memory.setRange(_LEAST - _STEP, _MOST)
        self.memory.setSingleStep(_STEP)
        self.memory.setSuffix(tr(" MB"))
        self.memory.setSpecialValueText(tr("No limit"))
        self.memory.setToolTip(
            tr(
                "A job that needs more memory ends with a message instead of slowing down the computer. This applies "
                "to the computer's memory, not to that of a GPU."
            )
        )
        if sys.platform == "darwin":
            self.memory.setEnabled(False)
            self.memory.setToolTip(tr("This limit is not available on macOS."))
        for spin in (self.threads, self.memory):
            spin.setMaximumWidth(160)
        form = QFormLayout()
        form.addRow(tr("Pr&ocessing device"), self.device)
        form.addRow(tr("Processor t&hreads"), self.threads)
        form.addRow(tr("Memory &limit"), self.memory)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(self.tested)  # a form layout gives wrapped text too much space
        self.show_settings()

    def show_settings(self) -> None:
        """Shows the stored settings."""
        self.device.setCurrentIndex(max(self.device.findData(settings.value("device")), 0))
        self.threads.setValue(settings.value("threads"))
        memory = settings.value("memory")
        self.memory.setValue(max(memory, _LEAST) if memory > 0 else self.memory.minimum())

    def show_test(self, usable: bool = True) -> None:
        """Shows the result of the last test.

        Args:
            usable: Whether there is an engine; without one, an old result means nothing.
        """
        test = tested_devices.last_test() if usable else None
        self.tested.setText(tested_text(test, self.palette()))

    def keep(self) -> None:
        """Stores the settings as shown; they are the defaults of tools that are opened from now on."""
        settings.set_value("device", self.device.currentData())
        settings.set_value("threads", self.threads.value())
        memory = self.memory.value()
        settings.set_value("memory", memory if memory >= _LEAST else 0)

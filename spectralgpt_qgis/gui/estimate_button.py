"""A button in the dialogs of the mapping tools that estimates the time, memory and disk space of a run."""

from __future__ import annotations

from typing import Any

from processing.gui.AlgorithmDialogBase import AlgorithmDialogBase
from qgis.core import Qgis
from qgis.PyQt.QtCore import QEvent, QLocale, QObject
from qgis.PyQt.QtWidgets import QDialogButtonBox, QPushButton, QWidget

from ..i18n import tr
from .plain_text import push_plain
from .training.background_run import BackgroundRun


class EstimateButton(QObject):
    """A button in the dialog's button box, visible with the parameters; the estimate appears in the message bar.

    While the engine is estimating, a second click cancels; so do Run and closing the dialog.
    """

    def __init__(
        self, algorithm_id: str, panel: QWidget, dialog: QWidget, buttons: QDialogButtonBox
    ) -> None:
        """Adds the button.

        Args:
            algorithm_id: Id of the tool, such as ``"spectralgpt:segment"``.
            panel: The dialog's panel of parameters, which returns their values.
            dialog: Dialog of Processing, with a message bar.
            buttons: The dialog's button box.
        """
        super().__init__(dialog)
        self._id, self._panel, self._bar = algorithm_id, panel, dialog.messageBar()
        self._warnings: list[str] = []
        self.run = BackgroundRun(self)
        self.run.changed.connect(self._label)
        self.run.warned.connect(self._warnings.append)
        self.run.succeeded.connect(self._tell)
        self.run.failed.connect(lambda message, _: self._say(message, Qgis.MessageLevel.Warning))
        self.button = QPushButton(dialog)
        self.button.setAutoDefault(False)  # Enter presses Run
        self.button.setToolTip(
            tr(
                "Estimates the number of windows, the time, and the memory and disk space needed. Nothing is "
                "written."
            )
        )
        self.button.clicked.connect(self._clicked)
        self._label(False)
        # This role places it on the left, beside "Run as Batch Process".
        buttons.addButton(self.button, QDialogButtonBox.ButtonRole.ResetRole)
        buttons.accepted.connect(self.run.forget)
        dialog.rejected.connect(self.run.forget)  # emitted however the dialog is closed
        panel.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802
        """Shows, hides and disables the button with the parameters, which are disabled during a run."""
        if event is not None and event.type() in (
            QEvent.Type.Show,
            QEvent.Type.Hide,
            QEvent.Type.EnabledChange,
        ):
            self.button.setVisible(self._panel.isVisible())
            self.button.setEnabled(self._panel.isEnabled())
        return False

    def _clicked(self, *_: Any) -> None:
        if self.run.running:
            self.run.cancel()
            return
        self._bar.clearWidgets()
        self._warnings.clear()
        try:
            parameters = self._panel.createProcessingParameters()
        except AlgorithmDialogBase.InvalidParameterValue as error:
            name = error.parameter.description()
            self._say(
                tr("First set '{}': it is missing or not valid.").format(name),
                Qgis.MessageLevel.Warning,
            )
        except AlgorithmDialogBase.InvalidOutputExtension as error:
            self._say(error.message, Qgis.MessageLevel.Warning)
        else:
            self.run.start(self._id, parameters, dry=True)

    def _label(self, running: bool) -> None:
        self.button.setText(tr("Stop estimating") if running else tr("Estimate"))

    def _tell(self, _: Any) -> None:
        words = in_words(self.run.result.get("estimate", {}))
        warned = bool(self._warnings)
        level = Qgis.MessageLevel.Warning if warned else Qgis.MessageLevel.Info
        self._say(" ".join((words, *self._warnings)), level)

    def _say(self, text: str, level: Any) -> None:
        self._bar.clearWidgets()
        push_plain(self._bar, text, level, 0, title=tr("Estimate"))


def in_words(estimate: dict[str, Any]) -> str:
    """An estimate in words.

    Args:
        estimate: The engine's estimate: windows, seconds (None if other machines compute), memory_mb, disk_mb.
    """
    windows = QLocale().toString(int(estimate.get("windows", 0)))
    seconds = estimate.get("seconds")
    memory, disk = (_size(estimate.get(name, 0)) for name in ("memory_mb", "disk_mb"))
    if seconds is None:
        return tr("Windows: {windows}; {memory} of memory, {disk} of disk space.").format(
            windows=windows, memory=memory, disk=disk
        )
    return tr("Windows: {windows}; {time}, {memory} of memory, {disk} of disk space.").format(
        windows=windows, time=_time(seconds), memory=memory, disk=disk
    )


def _time(seconds: float) -> str:
    if seconds < 100:
        return tr("about {seconds} s").format(seconds=max(1, round(seconds)))
    if seconds < 100 * 60:
        return tr("about {minutes} min").format(minutes=round(seconds / 60))
    hours, minutes = divmod(round(seconds / 60), 60)
    return tr("about {hours} h {minutes} min").format(hours=hours, minutes=minutes)


def _size(megabytes: float) -> str:
    digits = 1 if megabytes >= 1000 else 0
    scheme = QLocale.DataSizeFormat.DataSizeSIFormat
    return str(QLocale().formattedDataSize(round(megabytes * 1e6), digits, scheme))


def offer_estimate(algorithm_id: str, panel: Any, dialog: Any) -> EstimateButton | None:
    """Adds the button to a Processing dialog; None if the dialog has an unexpected structure.

    Args:
        algorithm_id: Id of the tool.
        panel: Panel that returns the values of the parameters.
        dialog: Dialog with the parameters.
    """
    buttons = dialog.findChild(QDialogButtonBox, "mButtonBox")
    if buttons is None or not isinstance(panel, QWidget) or not hasattr(dialog, "messageBar"):
        return None
    return EstimateButton(algorithm_id, panel, dialog, buttons)

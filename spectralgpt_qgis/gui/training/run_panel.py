"""The panel for a running training: curves, classes, time left, and a cancel that keeps the best model."""

from __future__ import annotations

import time
from typing import Any

from qgis.gui import QgsCollapsibleGroupBox
from qgis.PyQt.QtCore import Qt, QTimer, pyqtSignal
from qgis.PyQt.QtWidgets import (
    QHBoxLayout,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from ...i18n import time_left, tr
from ..plain_text import plain_label
from .background_run import BackgroundRun
from .class_bars import ClassBars
from .curve_chart import CurveChart
from .run_curves import show_run
from .run_record import RunRecord
from .run_words import elapsed, ended, judged_on, kept_by_cancel

ALGORITHM = "spectralgpt:finetune"


class RunPanel(QWidget):
    """Runs a fine-tuning in the background; emits exactly one of `finished`, `failed` and `stopped`."""

    finished = pyqtSignal(object)  # the algorithm's outputs, with the engine's result as "TRAINING"
    failed = pyqtSignal(str, str)  # message, details
    stopped = pyqtSignal()  # cancelled, and nothing was kept

    def __init__(self, parent: QWidget | None = None) -> None:
        """Starts without a run.

        Args:
            parent: The dock.
        """
        super().__init__(parent)
        self.record = RunRecord()
        self._left: float | None = None  # s left at the time of the last report
        self._told = 0.0
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self.doing = plain_label()
        self.doing.setWordWrap(True)
        self.doing.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        layout.addWidget(self.doing)
        self.bar = QProgressBar()
        self.bar.setRange(0, 100)
        layout.addWidget(self.bar)
        self.time = plain_label()
        layout.addWidget(self.time)
        self.chart = CurveChart()
        layout.addWidget(self.chart, 1)
        self.judged = plain_label()
        self.judged.setWordWrap(True)
        layout.addWidget(self.judged)
        self.classes = ClassBars()
        layout.addWidget(self.classes)
        layout.addWidget(self._make_log())
        layout.addLayout(self._make_buttons())
        layout.addStretch()  # fills the space of the chart while that is hidden
        self._clock = QTimer(self)
        self._clock.setInterval(1000)
        self._clock.timeout.connect(self._show_time)
        self.run = BackgroundRun(self)
        self.run.advanced.connect(self._advance)
        self.run.logged.connect(self.say)
        self.run.warned.connect(self._warn)
        self.run.measured.connect(self._measure)
        self.run.described.connect(self._describe)
        self.run.succeeded.connect(self._succeed)
        self.run.failed.connect(self._fail)
        self.run.stopped.connect(self._stop)
        self._refresh()

    def _make_log(self) -> QWidget:
        box = QgsCollapsibleGroupBox(tr("Log"))
        box.setCollapsed(True)
        inside = QVBoxLayout(box)
        inside.setContentsMargins(0, 0, 0, 0)
        self.log = QPlainTextEdit()
        self.log.setAccessibleName(tr("Log"))
        self.log.setReadOnly(True)
        self.log.setMaximumBlockCount(5000)
        self.log.setMinimumHeight(90)
        self.log.setMaximumHeight(160)
        inside.addWidget(self.log)
        self.log_box = box
        return box

    def _make_buttons(self) -> QHBoxLayout:
        self.keeping = plain_label()
        self.keeping.setWordWrap(True)
        self.cancel_button = QPushButton(tr("Cancel"))
        self.cancel_button.setAutoDefault(False)
        self.cancel_button.clicked.connect(lambda *_: self.cancel())
        row = QHBoxLayout()
        row.addWidget(self.keeping, 1)
        row.addWidget(self.cancel_button)
        return row

    # -- the run ---------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """Whether a training is running, or being stopped."""
        return self.run.running

    def start(self, parameters: dict[str, Any]) -> None:
        """Starts a training; one that cannot start ends in `failed` at once.

        Args:
            parameters: Parameters of ``spectralgpt:finetune``. Ignored while a training is running.
        """
        if self.running:
            return
        self.record = RunRecord()
        self.log.clear()
        self.bar.setRange(0, 100)
        self.bar.setValue(0)
        self._left = None
        self.doing.setText(tr("Starting the engine…"))
        if self.run.start(ALGORITHM, parameters):
            self._clock.start()
            self._refresh()

    def cancel(self) -> None:
        """Stops the training and keeps the best model so far; a second call does not wait for that."""
        if not self.running:
            return
        again = self.run.cancelling
        self.run.cancel()
        if not self.running:  # it had not started yet
            return
        if again:
            self.doing.setText(tr("Stopping at once…"))
        elif self.record.keeps:
            self.doing.setText(tr("Stopping and saving the best model so far…"))
        else:
            self.doing.setText(tr("Stopping…"))
        self.say(self.doing.text())
        self._refresh()

    def shut_down(self) -> None:
        """Ends a training at once, without a model or signals, as the panel is being closed."""
        self._clock.stop()
        self.run.forget()

    def say(self, text: str) -> None:
        """Adds a line to the log."""
        if text:
            self.log.appendPlainText(text)

    # -- what the run tells ----------------------------------------------------------------------

    def _advance(self, percent: float, message: str, seconds: float | None) -> None:
        self.bar.setValue(int(percent))
        if message and not self.run.cancelling:
            self.doing.setText(message)
        self._left, self._told = seconds, time.monotonic()
        self._show_time()

    def _warn(self, text: str) -> None:
        self.say(tr("Warning: {}").format(text))

    def _measure(self, name: str, step: int, value: float) -> None:
        self.record.measure(name, step, value)
        self._refresh()

    def _describe(self, facts: dict[str, Any]) -> None:
        self.record.describe(facts)
        self._refresh()

    def _succeed(self, outputs: dict[str, Any]) -> None:
        result = {**outputs, "TRAINING": self.run.result}
        text = ended(self.record, bool(self.run.result.get("cancelled")), self.run.seconds)
        self.bar.setValue(100)
        self._end(text)
        self.finished.emit(result)

    def _fail(self, message: str, details: str) -> None:
        if details and details != message:
            self.say(details)
        self._end(message)
        self.failed.emit(message, details)

    def _stop(self) -> None:
        self.bar.setValue(0)
        self._end(tr("Stopped. There was no model yet, so nothing was saved."))
        self.stopped.emit()

    def _end(self, text: str) -> None:
        self._left = None
        self._clock.stop()
        self.say(text)
        self.doing.setText(text)
        self._refresh()

    # -- what is seen ----------------------------------------------------------------------------

    def _refresh(self) -> None:
        show_run(self.record, self.chart, self.running)
        # A run that ended before the first evaluation has no curves to show.
        worth_showing = self.running or self.record.keeps or bool(self.record.series)
        self.chart.setVisible(worth_showing)
        scores = self.record.class_scores() if worth_showing else []
        self.classes.show_scores(scores)
        self.classes.setVisible(bool(scores))
        self.judged.setText(judged_on(self.record) if scores else "")
        self.judged.setVisible(bool(scores))
        self.cancel_button.setVisible(self.running)
        self.cancel_button.setText(tr("Stop now") if self.run.cancelling else tr("Cancel"))
        self.keeping.setText(
            kept_by_cancel(self.record, self.run.cancelling) if self.running else ""
        )
        self._show_time()

    def _show_time(self) -> None:
        if not self.running:
            self.time.clear()
            return
        parts = [elapsed(self.run.seconds)]
        if self._left is not None and not self.run.cancelling:
            parts.append(time_left(max(1.0, self._left - (time.monotonic() - self._told))))
        self.time.setText(" · ".join(parts))

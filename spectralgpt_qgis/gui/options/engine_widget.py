"""The widget for engine and settings, which both the page in QGIS's options and the window show."""

from __future__ import annotations

from typing import Any

from qgis.gui import QgsCollapsibleGroupBox
from qgis.PyQt.QtCore import QEvent, QSize, Qt
from qgis.PyQt.QtGui import QIcon
from qgis.PyQt.QtWidgets import (
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QMessageBox,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from ... import paths, settings
from ...i18n import tr
from ...tasks.engine_state import EngineState
from ..diagnostics_window import show_diagnostics
from .computing_form import ComputingForm
from .engine_words import state_text
from .engine_work import EngineWork
from .install_form import InstallForm
from .sources_form import SourcesForm

_ICON = 40  # pixels


class EngineWidget(QWidget):
    """Shows and changes the engine; its tasks continue when this widget is closed."""

    def __init__(self, work: EngineWork, parent: QWidget | None = None) -> None:
        """Shows the last known state, and reads it again.

        Args:
            work: Does the work for the buttons.
            parent: The parent widget.
        """
        super().__init__(parent)
        self._work = work
        self.sources = SourcesForm()
        self.sources.setCollapsed(True)
        self.computing = ComputingForm()
        layout = QVBoxLayout(self)
        layout.addLayout(self._make_head())
        layout.addWidget(self._make_installation())
        layout.addWidget(self.computing)
        layout.addWidget(self.sources)
        layout.addWidget(self._make_log())
        layout.addStretch(1)
        self._order_tabs()
        self._listen()
        self._show(work.state)
        work.look()

    # -- the parts -------------------------------------------------------------------------------

    def _make_head(self) -> QHBoxLayout:
        picture = QLabel()
        picture.setPixmap(QIcon(paths.icon("engine")).pixmap(QSize(_ICON, _ICON)))
        picture.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.state = QLabel(tr("Checking the engine…"))
        self.state.setWordWrap(True)
        self.state.setTextFormat(Qt.TextFormat.RichText)
        self.state.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        head = QHBoxLayout()
        head.addWidget(picture)
        head.addWidget(self.state, 1)
        return head

    def _make_installation(self) -> QGroupBox:
        box = QGroupBox(tr("Installation"))
        self.choice = InstallForm()
        layout = QVBoxLayout(box)
        layout.addWidget(self.choice)
        self.install_button = QPushButton(tr("&Install"))
        self.verify_button = QPushButton(tr("&Verify"))
        self.repair_button = QPushButton(tr("&Repair"))
        self.remove_button = QPushButton(tr("Remov&e…"))
        self.cancel_button = QPushButton(tr("Stop"))
        self.verify_button.setToolTip(
            tr("Tests the engine's libraries, the processor and the GPU with a real computation.")
        )
        self.repair_button.setToolTip(
            tr("Installs the engine again; the old one is kept until the new one works.")
        )
        self.remove_button.setToolTip(tr("Removes the engine. Your own models are kept."))
        self.cancel_button.setToolTip(tr("The engine in use was not changed."))
        row = QHBoxLayout()
        for button, slot in (
            (self.install_button, self.install),
            (self.verify_button, self._work.test),
            (self.repair_button, self.repair),
            (self.remove_button, self.remove),
        ):
            button.clicked.connect(lambda _=False, act=slot: act())
            button.setAutoDefault(False)
            row.addWidget(button)
        row.addStretch(1)
        layout.addLayout(row)
        self.bar = QProgressBar()
        self.bar.setRange(0, 100)
        self.doing = QLabel()
        self.doing.setTextFormat(Qt.TextFormat.PlainText)
        self.cancel_button.clicked.connect(lambda *_: self._work.cancel())
        self.cancel_button.setAutoDefault(False)
        self._progress = QWidget()
        progress = QHBoxLayout(self._progress)
        progress.setContentsMargins(0, 0, 0, 0)
        progress.addWidget(self.doing)
        progress.addWidget(self.bar, 1)
        progress.addWidget(self.cancel_button)
        layout.addWidget(self._progress)
        return box

    def _make_log(self) -> QgsCollapsibleGroupBox:
        self.log_box = QgsCollapsibleGroupBox(tr("Log and diagnostics"))
        self.log_box.setCollapsed(True)
        self.log = QPlainTextEdit()
        self.log.setAccessibleName(tr("Log"))
        self.log.setReadOnly(True)
        self.log.setPlaceholderText(tr("Messages of the engine appear here."))
        self.log.setPlainText("\n".join(self._work.log))
        self.log.setMinimumHeight(110)
        self.diagnostics_button = QPushButton(tr("&Diagnostics report…"))
        self.diagnostics_button.setToolTip(
            tr(
                "Versions, settings and the last messages, without personal data, to send with a question."
            )
        )
        self.diagnostics_button.setAutoDefault(False)
        self.diagnostics_button.clicked.connect(lambda *_: show_diagnostics(self.window()))
        layout = QVBoxLayout(self.log_box)
        layout.addWidget(self.log)
        row = QHBoxLayout()
        row.addWidget(self.diagnostics_button)
        row.addStretch(1)
        layout.addLayout(row)
        return self.log_box

    def _order_tabs(self) -> None:
        order = [
            self.choice.maps,
            self.choice.training,
            self.choice.gpu,
            self.install_button,
            self.verify_button,
            self.repair_button,
            self.remove_button,
            self.cancel_button,
            self.computing.device,
            self.computing.threads,
            self.computing.memory,
        ]
        for first, second in zip(order, order[1:]):
            QWidget.setTabOrder(first, second)

    def _listen(self) -> None:
        # Bound methods of a QObject, which Qt disconnects when this widget is deleted.
        self._work.seen.connect(self._show)
        self._work.started.connect(self._started)
        self._work.progressed.connect(self.bar.setValue)
        self._work.said.connect(self._say)
        self._work.ended.connect(self._ended)
        self._work.settings_kept.connect(self._show_settings)
        self.sources.moved.connect(self._moved)

    # -- what is shown ---------------------------------------------------------------------------

    def _show(self, state: EngineState | None) -> None:
        if state is not None:
            self.state.setText(state_text(state, self.palette(), self._work.failure))
            if not self._work.busy:
                self.choice.show_status(state.status)
            self.choice.show_room(state.free, self.sources.offline)
            outdated = state.status.state == "outdated"
            self.computing.show_test(state.status.usable)
            self.install_button.setText(tr("&Update") if outdated else tr("&Install"))
        self._enable(state)

    def _enable(self, state: EngineState | None) -> None:
        busy = self._work.busy
        there = state is not None and state.status.state != "missing"
        usable = state is not None and state.status.usable
        self.install_button.setEnabled(not busy and state is not None)
        self.repair_button.setEnabled(not busy and there)
        self.verify_button.setEnabled(not busy and usable)
        self.remove_button.setEnabled(not busy and there)
        self.choice.allow(not busy)
        self.sources.setEnabled(not busy)
        self._progress.setVisible(busy)
        self.doing.setText(self._work.description())
        self.bar.setValue(self._work.percent)

    def _started(self) -> None:
        self._show(self._work.state)

    def _ended(self, how: str, _: str) -> None:
        self._show(self._work.state)
        if how == "failed":
            self.log_box.setCollapsed(False)
            self._show_head()

    def _show_head(self) -> None:
        """Scrolls to the top, to the reason of a failure; a group box that opens has scrolled to itself."""
        area = self.parentWidget()
        while area is not None and not isinstance(area, QScrollArea):
            area = area.parentWidget()
        if area is not None:
            area.verticalScrollBar().setValue(0)

    def _show_settings(self) -> None:
        self.sources.show_settings()
        self.computing.show_settings()

    def _say(self, text: str) -> None:
        self.log.appendPlainText(text)

    def _moved(self) -> None:
        self.choice.show_room(None, self.sources.offline)
        self._work.look(self.sources.home)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Updates the colours when the theme changes."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "log"):
            self._show(self._work.state)

    # -- what the buttons do ---------------------------------------------------------------------

    def keep(self) -> None:
        """Stores the settings as shown."""
        moved = settings.home() != self.sources.home
        self.sources.keep()
        self.computing.keep()
        self._work.settings_kept.emit()
        if moved:
            self._work.changed.emit()
            self._work.look()

    def install(self) -> None:
        """Installs or updates the chosen tier, with the sources in the form."""
        self.sources.keep()
        self._work.install(self.choice.tier, self.choice.accelerator)

    def repair(self) -> None:
        """Reinstalls the engine."""
        self.sources.keep()
        self._work.repair()

    def remove(self) -> None:
        """Removes the engine after a confirmation."""
        answer = QMessageBox.question(
            self,
            tr("Remove the Engine"),
            tr(
                "Remove the SpectralGPT engine? Your own models are kept, and you can install the engine again."
            ),
        )
        if answer == QMessageBox.StandardButton.Yes:
            self._work.remove()


def scrolled(widget: QWidget) -> Any:
    """Puts a widget into a scroll area, for small screens."""
    from qgis.gui import QgsScrollArea
    from qgis.PyQt.QtWidgets import QFrame

    area = QgsScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setWidget(widget)
    return area

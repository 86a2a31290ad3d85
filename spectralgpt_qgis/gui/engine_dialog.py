"""The window about the engine: what is installed, whether it works, and how to change that."""

from __future__ import annotations

from html import escape
from typing import Any

from qgis.core import QgsApplication
from qgis.gui import QgsCollapsibleGroupBox
from qgis.PyQt.QtCore import QSize, Qt, pyqtSignal
from qgis.PyQt.QtGui import QIcon
from qgis.PyQt.QtWidgets import (
    QCheckBox,
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QMessageBox,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from .. import engine_access, paths, settings
from ..engine_environment import Status
from ..i18n import tr
from ..tasks.engine_task import EngineTask
from ..tasks.environment_removal import EnvironmentRemoval
from ..tasks.environment_task import EnvironmentTask
from ..tasks.folder_size import FolderSize
from .sources_form import SourcesForm

# What ONNX Runtime calls its ways to a GPU.
GPU_PROVIDERS = (
    "CUDAExecutionProvider",
    "TensorrtExecutionProvider",
    "ROCMExecutionProvider",
    "MIGraphXExecutionProvider",
    "DmlExecutionProvider",
    "CoreMLExecutionProvider",
)
GOOD, BUSY, BAD = "#2f8f4e", "#b06a00", "#c2334d"


class EngineDialog(QDialog):
    """Installs, repairs, tests and removes the engine; the work is done by tasks, QGIS stays usable."""

    changed = pyqtSignal()  # the engine was installed or removed

    def __init__(self, parent: QWidget | None = None) -> None:
        """Shows the state of the engine.

        Args:
            parent: QGIS's main window.
        """
        super().__init__(parent)
        self._task: Any = None
        self._size_task: Any = None
        self.setWindowTitle(tr("SpectralGPT engine"))
        self.setWindowIcon(QIcon(paths.icon("engine")))
        self.resize(640, 560)
        layout = QVBoxLayout(self)
        layout.addLayout(self._make_head())
        layout.addWidget(self._make_choice())
        layout.addWidget(self._make_sources())
        layout.addLayout(self._make_buttons())
        self._bar = QProgressBar()
        self._bar.setRange(0, 100)
        self._bar.setVisible(False)
        layout.addWidget(self._bar)
        self.log = QPlainTextEdit()
        self.log.setReadOnly(True)
        self.log.setPlaceholderText(tr("What the engine says appears here."))
        layout.addWidget(self.log, 1)
        self.refresh()

    # -- the parts of the window -----------------------------------------------------------------

    def _make_head(self) -> QHBoxLayout:
        picture = QLabel()
        picture.setPixmap(QIcon(paths.icon("engine")).pixmap(QSize(48, 48)))
        picture.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.state = QLabel()
        self.state.setWordWrap(True)
        self.state.setTextFormat(Qt.TextFormat.RichText)
        self.state.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        head = QHBoxLayout()
        head.addWidget(picture)
        head.addWidget(self.state, 1)
        return head

    def _make_choice(self) -> QWidget:
        self.maps = QRadioButton(tr("Make maps with existing models (about 0.5 GB)"))
        self.training = QRadioButton(
            tr("Make maps, import checkpoints and train own models (about 1.5 GB)")
        )
        self.maps.setChecked(True)
        self.gpu = QCheckBox(tr("With support for an NVIDIA GPU (several GB)"))
        self.gpu.setChecked(settings.value("accelerator") == "cuda")
        box = QgsCollapsibleGroupBox(tr("What for"))
        grid = QVBoxLayout(box)
        for widget in (self.maps, self.training, self.gpu):
            grid.addWidget(widget)
        return box

    def _make_sources(self) -> QWidget:
        self._sources = SourcesForm()
        self._sources.setCollapsed(True)
        return self._sources

    def _make_buttons(self) -> QGridLayout:
        self.install_button = QPushButton(tr("Install"))
        self.repair_button = QPushButton(tr("Repair"))
        self.test_button = QPushButton(tr("Test"))
        self.remove_button = QPushButton(tr("Remove"))
        self.cancel_button = QPushButton(tr("Cancel"))
        self.repair_button.setToolTip(
            tr("Makes the engine anew; the old one stays until it works.")
        )
        self.test_button.setToolTip(tr("Runs the engine's self-test and looks for a GPU."))
        self.remove_button.setToolTip(tr("Removes the engine. Your own models stay."))
        row = QGridLayout()
        for column, (button, slot) in enumerate(
            (
                (self.install_button, self.install),
                (self.repair_button, self.repair),
                (self.test_button, self.test),
                (self.remove_button, self.remove),
                (self.cancel_button, self.cancel),
            )
        ):
            button.clicked.connect(slot)
            button.setAutoDefault(False)
            row.addWidget(button, 0, column)
        return row

    # -- state -----------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Shows what is installed."""
        status = engine_access.status()
        self._show_state(status)
        if status.usable:
            (self.training if status.tier == "training" else self.maps).setChecked(True)
        self.install_button.setText(tr("Update") if status.state == "outdated" else tr("Install"))
        self._enable()
        self._measure()

    def _show_state(self, status: Status, size: int | None = None) -> None:
        headline, color = {
            "ready": (tr("The engine is installed and ready."), GOOD),
            "outdated": (tr("The engine works, and an update is waiting."), BUSY),
            "missing": (tr("The engine is not installed yet."), BUSY),
            "broken": (tr("The engine is damaged and must be repaired."), BAD),
        }[status.state]
        lines = [f'<b style="color:{color}; font-size:large">{headline}</b>']
        if status.state == "missing":
            lines.append(
                tr(
                    "The engine computes the maps, in a process of its own. It is downloaded once, into a folder of "
                    "yours; nothing of QGIS is changed."
                )
            )
        else:
            lines.append(escape(status.message))
        if status.usable:
            what = tr("maps and training") if status.tier == "training" else tr("maps")
            device = (
                tr("processor and NVIDIA GPU") if status.accelerator == "cuda" else tr("processor")
            )
            lines.append(tr("For {what}, on the {device}.").format(what=what, device=device))
        place = escape(str(settings.engine_environment().home))
        if size:
            lines.append(tr("{size:.2f} GB in {place}").format(size=size / 1e9, place=place))
        else:
            lines.append(tr("Folder: {}").format(place))
        self.state.setText("<br>".join(lines))

    def _enable(self) -> None:
        status = engine_access.status()
        busy = self._task is not None
        there = status.state != "missing"
        self.install_button.setEnabled(not busy)
        self.repair_button.setEnabled(not busy and there)
        self.test_button.setEnabled(not busy and status.usable)
        self.remove_button.setEnabled(not busy and there)
        self.cancel_button.setEnabled(busy)
        for widget in (self.maps, self.training, self.gpu, self._sources):
            widget.setEnabled(not busy)
        self._bar.setVisible(busy)

    def _measure(self) -> None:
        status = engine_access.status()
        if status.state == "missing" or self._size_task is not None:
            return
        folder = settings.engine_environment().home / "engine"
        self._size_task = FolderSize(tr("Size of the SpectralGPT engine"), folder)
        self._size_task.succeeded.connect(self._measured)
        self._size_task.failed.connect(lambda *_: self._measured(0))
        self._size_task.stopped.connect(lambda: self._measured(0))
        QgsApplication.taskManager().addTask(self._size_task)

    def _measured(self, size: int) -> None:
        self._size_task = None
        self._show_state(engine_access.status(), size)

    # -- what the buttons do ---------------------------------------------------------------------

    def install(self) -> None:
        """Installs what is chosen, or updates it."""
        self._sources.keep()
        accelerator = "cuda" if self.gpu.isChecked() else "cpu"
        settings.set_value("accelerator", accelerator)
        self._start(
            EnvironmentTask(
                tr("Install the SpectralGPT engine"),
                settings.engine_environment(),
                "install",
                tier="training" if self.training.isChecked() else "inference",
                accelerator=accelerator,
                sources=settings.install_sources(),
            )
        )

    def repair(self) -> None:
        """Makes the engine anew."""
        self._sources.keep()
        self._start(
            EnvironmentTask(
                tr("Repair the SpectralGPT engine"),
                settings.engine_environment(),
                "repair",
                sources=settings.install_sources(),
            )
        )

    def remove(self) -> None:
        """Removes the engine, after a question."""
        answer = QMessageBox.question(
            self,
            tr("Remove the engine"),
            tr("Remove the SpectralGPT engine? Your own models stay; it can be installed again."),
        )
        if answer == QMessageBox.StandardButton.Yes:
            self._start(
                EnvironmentRemoval(
                    tr("Remove the SpectralGPT engine"), settings.engine_environment()
                )
            )

    def test(self) -> None:
        """Runs the engine's self-test."""
        tier = engine_access.status().tier
        task = EngineTask(
            tr("Test the SpectralGPT engine"),
            engine_access.client(),
            "doctor",
            {"tier": tier},
        )
        task.logged.connect(self.say)
        task.warned.connect(self.say)
        self._start(task)

    def cancel(self) -> None:
        """Stops what runs; the engine in use stays as it was."""
        if self._task is not None:
            self.say(tr("Cancelling…"))
            self._task.cancel()

    # -- a running task --------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Whether a task runs."""
        return self._task is not None

    def say(self, text: str) -> None:
        """Adds a line to the log."""
        if text:
            self.log.appendPlainText(text)

    def _start(self, task: Any) -> None:
        self._task = task
        self._bar.setValue(0)
        self.say(f"— {task.description()} —")
        task.progressChanged.connect(lambda percent: self._bar.setValue(int(percent)))
        if hasattr(task, "reported"):
            task.reported.connect(lambda _, line: self.say(line))
        task.succeeded.connect(self._succeeded)
        task.failed.connect(self._failed)
        task.stopped.connect(self._stopped)
        self._enable()
        QgsApplication.taskManager().addTask(task)

    def _succeeded(self, result: Any) -> None:
        if isinstance(result, dict):
            self.say(report_of(result))
        else:
            self.say(tr("Done."))
        self._ended()

    def _failed(self, message: str, details: str) -> None:
        if details and details != message:
            self.say(details)
        self.say(tr("Failed: {}").format(message))
        self._ended()
        self.state.setText(self.state.text() + f'<br><b style="color:{BAD}">{escape(message)}</b>')

    def _stopped(self) -> None:
        self.say(tr("Cancelled."))
        self._ended()

    def _ended(self) -> None:
        self._task = None
        self.refresh()
        self.changed.emit()


def report_of(result: dict[str, Any]) -> str:
    """What the self-test found, in a few lines.

    Args:
        result: Of the engine's verb `doctor`.
    """
    libraries = ", ".join(f"{name} {version}" for name, version in result["libraries"].items())
    found = [name for name in result.get("providers", []) if name in GPU_PROVIDERS]
    return "\n".join(
        (
            tr("The engine passed its test."),
            tr("Python {python} on {platform}").format(**result),
            tr("Libraries: {}").format(libraries),
            tr(
                "Devices: processor; GPU libraries: {} (a GPU is used once it agreed with the processor)"
            ).format(", ".join(found))
            if found
            else tr("Devices: processor"),
        )
    )

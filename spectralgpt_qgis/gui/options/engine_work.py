"""Runs the engine's installation, test and removal independently of windows, so that closing these stops nothing."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import Any

from qgis.PyQt.QtCore import QObject, pyqtSignal

from ... import settings, tested_devices
from ...engine_environment import EngineEnvironment
from ...i18n import tr
from ...tasks.engine_state import EngineState, EngineStateTask
from ...tasks.engine_test import EngineTest
from ...tasks.environment_removal import EnvironmentRemoval
from ...tasks.environment_task import EnvironmentTask
from .engine_words import report_of

_LINES = 500  # of the log, kept for windows that are opened later


class EngineWork(QObject):
    """Runs one task on the engine at a time; windows connect to its signals."""

    seen = pyqtSignal(object)  # an EngineState
    started = pyqtSignal()
    progressed = pyqtSignal(int)  # percent
    said = pyqtSignal(str)
    ended = pyqtSignal(str, str)  # "done", "failed" or "cancelled"; message of a failure
    settings_kept = pyqtSignal()  # a window has stored the settings
    changed = pyqtSignal()  # the engine was installed, tested or removed

    def __init__(self) -> None:
        """Starts no task yet."""
        super().__init__()
        self.state: EngineState | None = None
        self.log: deque[str] = deque(maxlen=_LINES)
        self.percent = 0
        self.failure = ""  # of the last task, until the next one
        self._task: Any = None
        self._look: EngineStateTask | None = None
        self._look_again: tuple[Any, ...] | None = None
        self._test_after = False

    @property
    def busy(self) -> bool:
        """Whether a task is running on the engine."""
        return self._task is not None

    @property
    def looking(self) -> bool:
        """Whether the engine's state is being read."""
        return self._look is not None

    def description(self) -> str:
        """Description of the running task."""
        return self._task.description() if self._task is not None else ""

    # -- looking ---------------------------------------------------------------------------------

    def look(self, home: Path | None = None, measure: bool = True) -> None:
        """Starts to read the engine's state, which `seen` emits.

        Args:
            home: The engine's home folder; None for that in the settings.
            measure: Whether to measure its size too.
        """
        if self._look is not None:
            self._look_again = (home, measure)
            return
        environment = EngineEnvironment(home) if home else settings.engine_environment()
        self._look = EngineStateTask(environment, measure)
        self._look.seen.connect(self._saw)
        self._look.succeeded.connect(self._looked)
        self._look.failed.connect(self._not_looked)
        self._look.stopped.connect(self._not_looked)
        self._look.start()

    def _saw(self, state: EngineState) -> None:
        self.state = state
        self.seen.emit(state)

    def _looked(self, state: EngineState) -> None:
        self._not_looked()
        self._saw(state)

    def _not_looked(self, *_: Any) -> None:
        self._look = None
        again, self._look_again = self._look_again, None
        if again is not None:
            self.look(*again)

    # -- doing -----------------------------------------------------------------------------------

    def install(self, tier: str, accelerator: str) -> None:
        """Installs or updates the engine, and tests it.

        Args:
            tier: "inference" or "training".
            accelerator: "cpu" or "cuda".
        """
        settings.set_value("accelerator", accelerator)
        self._build(
            tr("Install the SpectralGPT engine"), "install", tier=tier, accelerator=accelerator
        )

    def repair(self) -> None:
        """Reinstalls the engine and tests it."""
        self._build(tr("Repair the SpectralGPT engine"), "repair")

    def remove(self) -> None:
        """Removes the engine."""
        self._start(
            EnvironmentRemoval(tr("Remove the SpectralGPT engine"), settings.engine_environment())
        )

    def test(self) -> None:
        """Tests the libraries, the processor and the GPU."""
        self._start(EngineTest())

    def cancel(self) -> None:
        """Cancels the running task; the engine in use stays unchanged."""
        if self._task is not None:
            self.say(tr("Cancelling…"))
            self._task.cancel()

    def close(self) -> None:
        """Cancels everything and emits no more signals, as the plugin is being unloaded."""
        self.blockSignals(True)
        self._look_again, self._test_after = None, False
        for task in (self._task, self._look):
            if task is not None:
                task.cancel()

    def say(self, text: str) -> None:
        """Adds a line to the log."""
        if text:
            self.log.append(text)
            self.said.emit(text)

    def _build(self, description: str, action: str, **options: Any) -> None:
        environment, sources = settings.engine_environment(), settings.install_sources()
        self._start(EnvironmentTask(description, environment, action, sources=sources, **options))

    def _start(self, task: Any) -> None:
        if self._task is not None:
            return
        self._task, self.percent, self.failure = task, 0, ""
        self.say(f"— {task.description()} —")
        task.progressChanged.connect(self._progressed)
        if hasattr(task, "reported"):
            task.reported.connect(self._reported)
        task.succeeded.connect(self._succeeded)
        task.failed.connect(self._failed)
        task.stopped.connect(self._stopped)
        task.start()
        self.started.emit()

    def _progressed(self, percent: float) -> None:
        self.percent = int(percent)
        self.progressed.emit(self.percent)

    def _reported(self, _: float, line: str) -> None:
        self.say(line)

    def _succeeded(self, result: Any) -> None:
        if isinstance(self._task, EngineTest):
            tested_devices.keep_test(result)
            self.say(report_of(result))
        else:
            tested_devices.forget_test()
            self.say(tr("Done."))
        self._test_after = isinstance(self._task, EnvironmentTask)
        self._end("done")

    def _failed(self, message: str, details: str) -> None:
        if details and details != message:
            self.say(details)
        self.say(tr("Failed: {}").format(message))
        self.failure = message
        self._end("failed")

    def _stopped(self) -> None:
        self.say(tr("Cancelled."))
        self._end("cancelled")

    def _end(self, how: str) -> None:
        self._task = None
        test, self._test_after = self._test_after, False
        self.ended.emit(how, self.failure)
        self.changed.emit()
        if self.signalsBlocked():  # `close` was called meanwhile
            return
        self.look()
        if test:
            self.test()

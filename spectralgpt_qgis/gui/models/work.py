"""Imports, renames and downloads models in tasks, one at a time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from qgis.PyQt.QtCore import QLocale, QObject, pyqtSignal

from ... import engine_access, settings
from ...i18n import tr
from ...model_catalogue import free_model_file
from ...tasks.download import DownloadTask
from ...tasks.engine_task import EngineTask

_OURS = (".onnx", ".safetensors")


class ModelWork(QObject):
    """Runs tasks one after the other and emits their progress, for any window to show."""

    began = pyqtSignal(str)  # description of the task
    advanced = pyqtSignal(float, str)  # percent, -1 if not known; text
    succeeded = pyqtSignal(str, str)  # what was done; name of the model
    failed = pyqtSignal(str)
    stopped = pyqtSignal()

    def __init__(self, parent: QObject | None = None) -> None:
        """Starts without a task."""
        super().__init__(parent)
        self._task: Any = None

    @property
    def busy(self) -> bool:
        """Whether a task is running."""
        return self._task is not None

    def cancel(self) -> None:
        """Cancels the task; it leaves nothing behind, except an incomplete download that can be resumed."""
        if self._task is not None:
            self._task.cancel()

    # -- taking in -------------------------------------------------------------------------------

    def take_in(self, path: Path, remove: bool = False) -> None:
        """Imports a model of this plugin, or a published checkpoint, into the user's own models.

        Args:
            path: The file.
            remove: Whether to delete the file afterwards, as it was only downloaded for this.
        """
        ours = path.suffix.lower() in _OURS
        tier = "inference" if ours else "training"
        reason = "" if ours or path.suffix.lower() in (".pth", ".pt", ".ckpt") else _other(path)
        reason = reason or engine_access.why_not_ready(tier) or engine_access.why_no_models_folder()
        if self._refused(reason):
            return
        name = free_model_file(path.stem, "").name
        sources = [path]
        if ours:  # the file for predictions and the file to train from are one model
            sources += [
                beside
                for ending in _OURS
                if ending != path.suffix.lower() and (beside := path.with_suffix(ending)).is_file()
            ]
        self._take_in(sources, name, tier, path if remove else None)

    def _take_in(self, sources: list[Path], name: str, tier: str, spent: Path | None) -> None:
        source, *rest = sources
        ours = source.suffix.lower() in _OURS
        ending = source.suffix.lower() if ours else ".safetensors"
        target = engine_access.models_folder() / f"{name}{ending}"
        self._engine(
            tr("Import {}").format(source.name),
            "import",
            {"input": str(source), "output": str(target)},
            lambda answer: self._taken(answer, source, rest, name, tier, spent),
            tier,
        )

    def _taken(
        self,
        answer: dict[str, Any],
        source: Path,
        rest: list[Path],
        name: str,
        tier: str,
        spent: Path | None,
    ) -> None:
        if rest:
            self._take_in(rest, name, tier, spent)
            return
        made = Path(answer["outputs"]["output"])
        checkpoint = source.suffix.lower() not in _OURS
        if checkpoint and made.suffix == ".safetensors" and answer["task"] != "backbone":
            # A fine-tuned model can predict, so make a file for predictions too.
            self._engine(
                tr("Import {}").format(source.name),
                "import",
                {"input": str(source), "output": str(made.with_suffix(".onnx"))},
                lambda second: self._finish_import(name, spent),
                tier,
            )
            return
        self._finish_import(name, spent)

    def _finish_import(self, name: str, spent: Path | None) -> None:
        if spent is not None:
            spent.unlink(missing_ok=True)
        self.succeeded.emit(tr("The model '{}' was imported.").format(name), name)

    # -- the others ------------------------------------------------------------------------------

    def rename(self, path: str, title: str, name: str) -> None:
        """Renames one of the user's own models.

        Args:
            path: One of its files.
            title: The new title, as shown to the user.
            name: The new name of its files, without extension.
        """
        if self._refused(engine_access.why_not_ready()):
            return
        self._engine(
            tr("Rename {}").format(Path(path).stem),
            "rename",
            {"model": path, "title": title, "name": name},
            lambda _: self.succeeded.emit(tr("The model is now called '{}'.").format(title), name),
        )

    def download(self, url: str, file: str, sha256: str = "", size: int | None = None) -> None:
        """Downloads a file, then imports it.

        Args:
            url: Address of the file.
            file: Name of the file.
            sha256: Expected SHA-256; empty if not known.
            size: Expected size in bytes; None if not known.
        """
        tier = "inference" if file.lower().endswith(_OURS) else "training"
        if self._refused(engine_access.why_not_ready(tier)):
            return
        target = settings.home() / "downloads" / file
        task = DownloadTask(tr("Download {}").format(file), url, target, sha256, size)
        task.advanced.connect(self._came)
        self._run(task, lambda path: self.take_in(path, remove=True))

    def _came(self, there: float, whole: float) -> None:
        locale = QLocale()

        def size(count: float) -> str:
            return str(
                locale.formattedDataSize(int(count), 1, QLocale.DataSizeFormat.DataSizeSIFormat)
            )

        if whole:
            text = tr("{there} of {whole}").format(there=size(there), whole=size(whole))
            self.advanced.emit(100 * there / whole, text)
        else:
            self.advanced.emit(-1.0, size(there))

    # -- tasks -----------------------------------------------------------------------------------

    def _refused(self, reason: str) -> bool:
        if not reason and self.busy:
            reason = tr("Another model is being processed. Wait until it is done, or cancel it.")
        if reason:
            self.failed.emit(reason)
        return bool(reason)

    def _engine(
        self,
        description: str,
        verb: str,
        job: dict[str, Any],
        then: Callable[[dict[str, Any]], Any],
        tier: str = "inference",
    ) -> None:
        task = EngineTask(description, engine_access.client(tier), verb, job)
        task.advanced.connect(lambda percent, text, left: self.advanced.emit(percent, text))
        self._run(task, then)

    def _run(self, task: Any, then: Callable[[Any], Any]) -> None:
        def done(result: Any) -> None:
            self._task = None
            then(result)

        def failed(message: str, details: str) -> None:
            self._task = None
            self.failed.emit(message)

        def stopped() -> None:
            self._task = None
            self.stopped.emit()

        task.succeeded.connect(done)
        task.failed.connect(failed)
        task.stopped.connect(stopped)
        self._task = task
        task.start()
        self.began.emit(task.description())


def _other(path: Path) -> str:
    return tr(
        "'{}' is not a model file. Choose an .onnx or .safetensors file of this plugin, or a SpectralGPT checkpoint "
        "(.pth)."
    ).format(path.name)

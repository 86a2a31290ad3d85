"""Queries the engine in tasks: for the installed models, and for how well they fit a raster."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qgis.core import QgsProject, QgsRasterLayer
from qgis.PyQt.QtCore import QObject, QTimer, pyqtSignal

from ... import engine_access, model_catalogue
from ...i18n import tr
from ...raster_source import crs_text, engine_path
from ...tasks.engine_task import EngineTask

_DEBOUNCE = 250  # ms, as a dialog changes its raster several times while it is filled in
_listings: list[Any] = []  # the running listing, if any, which the rows of a batch share


@dataclass(frozen=True)
class RasterQuestion:
    """A raster to compare with the models: its path, and the CRS to assume if the file has none."""

    path: str
    crs: str = ""


def question_of(value: Any) -> RasterQuestion | None:
    """The query for a raster parameter's value; None if it is empty, or not a file.

    Args:
        value: A layer, its id, name or source, the path of a file, or a list of these.
    """
    if isinstance(value, (list, tuple)):
        value = value[0] if value else None
    layer = value if isinstance(value, QgsRasterLayer) else None
    if layer is None and isinstance(value, str) and value:
        layer = _project_layer(value)
        if layer is None:
            return RasterQuestion(value) if Path(value).suffix else None
    if not isinstance(layer, QgsRasterLayer) or not layer.isValid() or not engine_path(layer):
        return None
    return RasterQuestion(engine_path(layer), crs_text(layer.crs()))


def _project_layer(text: str) -> Any:
    project = QgsProject.instance()
    layer = project.mapLayer(text)
    if layer is not None:
        return layer
    for layer in project.mapLayers().values():
        if text in (layer.source(), layer.name()):
            return layer
    return None


class ModelQuery(QObject):
    """Runs at most one query of each kind; a newer one replaces an older one."""

    listed = pyqtSignal(object)  # paths and messages of models that could not be read
    compared = pyqtSignal(object)  # models from the answer of the verb `describe`, by path
    failed = pyqtSignal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        """Starts without a query.

        Args:
            parent: Parent object; its end cancels the queries.
        """
        super().__init__(parent)
        self._listing: Any = None
        self._comparison: Any = None
        self._question: RasterQuestion | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_DEBOUNCE)
        self._timer.timeout.connect(self._compare)

    @property
    def busy(self) -> bool:
        """Whether a query has not been answered yet."""
        return bool(self._listing or self._comparison or self._timer.isActive())

    def list_models(self, anew: bool = False) -> bool:
        """Lists the models for the catalogue, then emits `listed`.

        Args:
            anew: Whether to list them even if no change is known, as changes in shared folders are not noticed.

        Returns:
            Whether `listed` will be emitted.
        """
        if self._listing is not None:
            return True
        if engine_access.why_not_ready() or (model_catalogue.is_complete() and not anew):
            return False
        self._listing = _listing_task()
        self._listing.succeeded.connect(self._take_listing)
        self._listing.failed.connect(self._listing_failed)
        self._listing.stopped.connect(self._listing_stopped)
        return True

    def compare(self, question: RasterQuestion | None) -> None:
        """Compares the models with a raster, then emits `compared`; without a raster at once, and empty."""
        self._drop_comparison()
        self._question = question
        if question is None or engine_access.why_not_ready():
            self._timer.stop()
            self.compared.emit({})
        else:
            self._timer.start()

    def stop(self) -> None:
        """Drops all queries without further signals. A listing continues, as other objects may wait for it."""
        self._timer.stop()
        self._drop_comparison()
        task, self._listing = self._listing, None
        if task is not None:
            task.succeeded.disconnect(self._take_listing)
            task.failed.disconnect(self._listing_failed)
            task.stopped.disconnect(self._listing_stopped)

    def _compare(self) -> None:
        question = self._question
        if question is None:
            return
        task = EngineTask(
            tr("Compare models"),
            engine_access.client(),
            "describe",
            {"input": question.path, "crs": question.crs, "bands_only": True},
            hidden=True,
        )
        task.succeeded.connect(self._take_comparison)
        task.failed.connect(self._comparison_failed)
        task.stopped.connect(self._comparison_stopped)
        self._comparison = task
        task.start()

    def _drop_comparison(self) -> None:
        task, self._comparison = self._comparison, None
        if task is not None:
            task.succeeded.disconnect(self._take_comparison)
            task.failed.disconnect(self._comparison_failed)
            task.stopped.disconnect(self._comparison_stopped)
            task.cancel()

    def _take_listing(self, answer: dict[str, Any]) -> None:
        self._listing = None
        model_catalogue.keep_listing(answer)
        self.listed.emit(answer.get("problems", []))

    def _listing_failed(self, message: str, details: str) -> None:
        self._listing = None
        self.failed.emit(message)

    def _listing_stopped(self) -> None:
        """Called if the user cancelled it in QGIS's task manager; the models known so far are used."""
        self._listing = None
        self.listed.emit([])

    def _take_comparison(self, answer: dict[str, Any]) -> None:
        self._comparison = None
        self.compared.emit({model["path"]: model for model in answer["models"]})

    def _comparison_failed(self, message: str, details: str) -> None:
        self._comparison = None
        self.compared.emit({})
        self.failed.emit(message)

    def _comparison_stopped(self) -> None:
        self._comparison = None
        self.compared.emit({})


def _listing_task() -> Any:
    """The running listing, else a new one."""
    if not _listings:
        task = EngineTask(tr("List models"), engine_access.client(), "models", {}, hidden=True)
        _listings.append(task)
        for ending in (task.succeeded, task.failed, task.stopped):
            ending.connect(lambda *_: _listings.remove(task))
        task.start()
    return _listings[0]

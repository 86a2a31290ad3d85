"""Gets the engine's description of rasters, once for each and in the background: their bands and fitting models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from qgis.core import QgsRasterLayer
from qgis.PyQt.QtCore import QObject, pyqtSignal

from ... import engine_access
from ...i18n import tr
from ...raster_source import crs_text, engine_path
from ...tasks.engine_task import EngineTask

_Key = tuple[str, str]  # path, and the CRS to assume if the file has none


@dataclass(frozen=True)
class Description:
    """The engine's description of a raster.

    Attributes:
        models: The engine's verdict on each model, by path of the model file.
        problem: Why the raster cannot be used at all; empty if it can.
    """

    models: dict[str, dict[str, Any]]
    problem: str = ""


class RasterDescriber(QObject):
    """Asks the engine about layers and caches its answers as long as the dock exists."""

    described = pyqtSignal()  # a new description has arrived

    def __init__(self, parent: QObject | None = None) -> None:
        """Starts without descriptions.

        Args:
            parent: Parent object.
        """
        super().__init__(parent)
        self._known: dict[_Key, Description] = {}
        self._tasks: dict[_Key, EngineTask] = {}
        self._stopped = False

    def of(self, layer: QgsRasterLayer) -> Description | None:
        """The description of a layer; None if it is not known yet, in which case this asks the engine."""
        path, crs = engine_path(layer), crs_text(layer.crs())
        if not path:
            return Description({})
        key = path, crs
        if not self._stopped and key not in self._known and key not in self._tasks:
            self._ask(key, layer.name())
        return self._known.get(key)

    def forget(self) -> None:
        """Clears the cache, because models or files have changed."""
        self._known.clear()

    def stop(self) -> None:
        """Cancels all tasks and starts no more."""
        self._stopped = True
        tasks, self._tasks = self._tasks, {}
        for task in tasks.values():
            task.cancel()

    def _ask(self, key: _Key, name: str) -> None:
        if engine_access.why_not_ready():
            return  # the dock already says that the engine is missing
        path, crs = key
        job = {"input": path, "crs": crs, "bands_only": True}
        task = EngineTask(
            tr("Checking the bands of {}").format(name),
            engine_access.client(),
            "describe",
            job,
        )
        self._tasks[key] = task
        task.succeeded.connect(lambda answer: self._keep(key, _read(answer)))
        task.failed.connect(lambda message, _: self._keep(key, Description({}, message)))
        task.stopped.connect(lambda: self._tasks.pop(key, None))
        task.start()

    def _keep(self, key: _Key, description: Description) -> None:
        self._tasks.pop(key, None)
        if self._stopped:
            return  # this object may even have been deleted
        self._known[key] = description
        self.described.emit()


def _read(answer: dict[str, Any]) -> Description:
    return Description({str(item["path"]): item for item in answer.get("models", ())})

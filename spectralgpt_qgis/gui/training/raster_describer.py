"""What the engine makes of rasters, asked beside QGIS and once for each: their bands, and which models they fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from qgis.core import QgsRasterLayer
from qgis.PyQt.QtCore import QObject, pyqtSignal

from ... import engine_access
from ...i18n import tr
from ...raster_source import crs_text, engine_path
from ...tasks.engine_task import EngineTask


@dataclass(frozen=True)
class Description:
    """The engine's answer for one raster.

    Attributes:
        models: By path of the model file, what the engine says of it.
        problem: Why the raster cannot be used at all; empty when it can.
    """

    models: dict[str, dict[str, Any]]
    problem: str = ""


class RasterDescriber(QObject):
    """Asks the engine about layers; what it answered is kept for as long as the dock lives."""

    described = pyqtSignal()  # something is known that was not before

    def __init__(self, parent: QObject | None = None) -> None:
        """Knows nothing yet.

        Args:
            parent: Owner.
        """
        super().__init__(parent)
        self._known: dict[str, Description] = {}
        self._tasks: dict[str, EngineTask] = {}
        self._stopped = False

    def of(self, layer: QgsRasterLayer) -> Description | None:
        """What is known of a layer; None while the engine looks at it, which this starts."""
        path = engine_path(layer)
        if not path:
            return Description({})
        if not self._stopped and path not in self._known and path not in self._tasks:
            self._ask(path, layer)
        return self._known.get(path)

    def forget(self) -> None:
        """Asks again next time: models came or went, or files changed."""
        self._known.clear()

    def stop(self) -> None:
        """Ends what runs, and asks no more."""
        self._stopped = True
        tasks, self._tasks = self._tasks, {}
        for task in tasks.values():
            task.cancel()

    def _ask(self, path: str, layer: QgsRasterLayer) -> None:
        if engine_access.why_not_ready():
            return  # the dock says that the engine is missing
        job = {"input": path, "crs": crs_text(layer.crs()), "bands_only": True}
        task = EngineTask(
            tr("Looking at the bands of {}").format(layer.name()),
            engine_access.client(),
            "describe",
            job,
        )
        self._tasks[path] = task
        task.succeeded.connect(lambda answer: self._keep(path, _read(answer)))
        task.failed.connect(lambda message, _: self._keep(path, Description({}, message)))
        task.stopped.connect(lambda: self._tasks.pop(path, None))
        task.start()

    def _keep(self, path: str, description: Description) -> None:
        self._tasks.pop(path, None)
        if self._stopped:
            return  # it may even be deleted by now
        self._known[path] = description
        self.described.emit()


def _read(answer: dict[str, Any]) -> Description:
    return Description({str(item["path"]): item for item in answer.get("models", ())})

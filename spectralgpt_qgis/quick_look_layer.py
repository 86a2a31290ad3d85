"""The quick look: a coarse map of the current view, shown as a layer while a run is going on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qgis import utils
from qgis.core import QgsApplication, QgsProcessingUtils, QgsProject, QgsRasterLayer
from qgis.PyQt.QtCore import QObject, Qt, QThread, pyqtSignal

from .i18n import tr
from .raster_source import crs_text
from .temporary_layers import QUICK_LOOK, TemporaryLayers

# References until the layers are removed: the algorithm may be deleted before the main thread does so.
_living: set[QuickLookLayer] = set()


class QuickLookLayer(QObject):
    """Takes the engine's facts in any thread, and changes the project on the main thread."""

    _came = pyqtSignal(object)  # the classes of the coarse map
    _ended = pyqtSignal()

    def __init__(
        self, title: str, hidden: tuple[int, ...] = (), words: Callable[[str], str] = str
    ) -> None:
        """Reads the view; adds no layer yet.

        Args:
            title: Name of the layer.
            hidden: Class values that are transparent.
            words: Translates the titles of classes.
        """
        super().__init__()
        self._title, self._hidden, self._words = title, hidden, words
        self._path = QgsProcessingUtils.generateTempFilename("quick-look.tif")
        self._layer_id, self._over = "", False
        self._temporary: TemporaryLayers | None = None
        settings = utils.iface.mapCanvas().mapSettings()
        self._view, self._crs = settings.visibleExtent(), settings.destinationCrs()
        queued = Qt.ConnectionType.QueuedConnection
        self._came.connect(self._show, queued)
        self._ended.connect(self._remove, queued)
        QgsProject.instance().cleared.connect(self._forget)

    def fields(self) -> dict[str, Any]:
        """The fields of the job that make the engine write the coarse map; marks the beginning of the run."""
        _living.add(self)
        view = self._view
        return {
            "quick_look": self._path,
            "quick_look_extent": [
                view.xMinimum(),
                view.yMinimum(),
                view.xMaximum(),
                view.yMaximum(),
            ],
            "quick_look_crs": crs_text(self._crs),
        }

    def told(self, facts: dict[str, Any]) -> None:
        """Takes facts about the run, one of which says that the coarse map has been written."""
        look = facts.get("quick_look", {})
        if look.get("path") == self._path:
            self._came.emit(look["classes"])

    def end(self) -> None:
        """Removes the layer at the end of the run."""
        self._ended.emit()

    def _show(self, classes: list[dict[str, Any]]) -> None:
        layer = QgsRasterLayer(self._path, self._title)
        if self._over or not layer.isValid():
            return
        from .styling import ClassRasterStyle, class_styles  # not at the start of QGIS

        ClassRasterStyle(class_styles(classes, self._words), self._hidden).apply(layer)
        layer.setCustomProperty(QUICK_LOOK, True)
        self._temporary = TemporaryLayers(self)  # the project may be saved during a long run
        project = QgsProject.instance()
        project.addMapLayer(layer, False)
        project.layerTreeRoot().insertLayer(0, layer)
        self._layer_id = layer.id()

    def _forget(self) -> None:
        """Does nothing more, because another project was opened."""
        self._layer_id, self._over = "", True

    def _remove(self) -> None:
        if self not in _living:
            return
        _living.discard(self)
        QgsProject.instance().cleared.disconnect(self._forget)
        if self._temporary is not None:
            self._temporary.stop()
        if self._layer_id and QgsProject.instance().mapLayer(self._layer_id) is not None:
            QgsProject.instance().removeMapLayer(self._layer_id)
            utils.iface.mapCanvas().refresh()


def quick_look_layer(
    title: str, hidden: tuple[int, ...] = (), words: Callable[[str], str] = str
) -> QuickLookLayer | None:
    """A quick look for a run; None where no map can show it: without a desktop, or inside a graphical model.

    Args:
        title: The subject of the run.
        hidden: Class values that are transparent.
        words: Translates the titles of classes.
    """
    if utils.iface is None or QThread.currentThread() is not QgsApplication.instance().thread():
        return None
    return QuickLookLayer(tr("Quick look: {}").format(title), hidden, words)

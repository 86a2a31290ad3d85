"""The preview of a model: a temporary layer with a map of the current view, made within seconds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qgis.core import (
    QgsMapLayer,
    QgsProcessingUtils,
    QgsProject,
    QgsRasterLayer,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QObject, pyqtSignal

from ...i18n import localised, tr
from ...temporary_layers import MODEL
from .background_run import BackgroundRun
from .prediction import Trained, extent_text, middle, none_shown, shown


class Preview(QObject):
    """Keeps at most one preview in the project; a new one replaces the old one."""

    ready = pyqtSignal(str)  # sentence about the preview and the time it took
    failed = pyqtSignal(str, str)  # message, details
    stopped = pyqtSignal()

    def __init__(self, canvas: Any, parent: QObject | None = None) -> None:
        """Starts without a layer.

        Args:
            canvas: The map canvas; not owned.
            parent: Parent object.
        """
        super().__init__(parent)
        self._canvas = canvas
        self._layer_id = ""
        self._above = ""  # id of the imagery
        self._title = ""
        self._model = ""
        self._is_part = False
        self.run = BackgroundRun(self)
        self.run.succeeded.connect(self._show)
        self.run.failed.connect(self.failed)
        self.run.stopped.connect(self.stopped)

    def layer(self) -> QgsMapLayer | None:
        """The preview; None if there is none, or the user has removed it."""
        return QgsProject.instance().mapLayer(self._layer_id) if self._layer_id else None

    def adopt(self, trained: Trained) -> None:
        """Finds the preview of a model in a project that was opened."""
        for layer in QgsProject.instance().mapLayers().values():
            if layer.customProperty(MODEL) == trained.result["OUTPUT_MODEL"] and layer.isValid():
                self._layer_id = layer.id()

    def start(self, trained: Trained) -> None:
        """Starts a map of the current view.

        Args:
            trained: The model.
        """
        settings = self._canvas.mapSettings()
        rasters = trained.rasters()
        found = shown(rasters, settings.visibleExtent(), settings.destinationCrs())
        if found is None:
            self.failed.emit(none_shown(rasters), "")
            return
        layers, part = found
        part, self._is_part = middle(layers[0], part)
        self._above = layers[-1].id()
        self._model = trained.result["OUTPUT_MODEL"]
        self._title = tr("Preview: {}").format(trained.name)
        parameters = {
            **trained.mapping(layers),
            "EXTENT": extent_text(part, layers[0].crs()),
            "OUTPUT": QgsProcessingUtils.generateTempFilename("preview" + trained.ending),
        }
        self.run.start(trained.tool, parameters)

    def hide(self) -> None:
        """Hides the layer, which stays in the project, so that the imagery is visible."""
        node = QgsProject.instance().layerTreeRoot().findLayer(self._layer_id)
        if node is not None:
            node.setItemVisibilityChecked(False)

    def remove(self) -> None:
        """Removes the layer from the project."""
        if self.layer() is not None:
            QgsProject.instance().removeMapLayer(self._layer_id)
        self._layer_id = ""

    def clear(self) -> None:
        """Forgets the run and the layer, which stays in the project."""
        self.run.forget()
        self._layer_id = ""

    def _show(self, outputs: dict[str, Any]) -> None:
        path = str(outputs.get("OUTPUT", ""))
        raster = Path(path).suffix == ".tif"
        # The style is beside the raster, or inside the GeoPackage.
        layer = (
            QgsRasterLayer(path, self._title)
            if raster
            else QgsVectorLayer(path, self._title, "ogr")
        )
        if not layer.isValid():
            self.failed.emit(tr("The preview cannot be opened: {}").format(path), "")
            return
        self.remove()
        layer.setCustomProperty(MODEL, self._model)
        project = QgsProject.instance()
        project.addMapLayer(layer, False)
        self._layer_id = layer.id()
        put_above(layer, self._above)
        text = (
            tr(
                "Preview of the centre of the map view in {seconds:.1f} s. Zoom in to see other areas."
            )
            if self._is_part
            else tr("Preview of the map view in {seconds:.1f} s.")
        )
        self.ready.emit(localised(text.format(seconds=self.run.seconds)))


def put_above(layer: QgsMapLayer, other: str = "") -> None:
    """Adds a layer of the project to the layer tree, directly above another layer.

    Args:
        layer: The layer, not in the tree yet.
        other: Id of the other layer; if that is not in the tree, the layer is added at the top.
    """
    root = QgsProject.instance().layerTreeRoot()
    node = root.findLayer(other) if other else None
    if node is None:
        root.insertLayer(0, layer)
    else:
        node.parent().insertLayer(node.parent().children().index(node), layer)

"""Finds the places where a model is least certain, to label them next, and walks through them."""

from __future__ import annotations

import json
import os
import re
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from qgis.core import QgsProcessingUtils, QgsProject, QgsVectorLayer
from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtWidgets import (
    QComboBox,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from ...i18n import localised, tr
from ...temporary_layers import TITLES
from .background_run import BackgroundRun
from .label_layer import free_file
from .place_walk import PlaceWalk, kept_places
from .prediction import Trained, extent_text, none_shown, shown
from .preview import put_above

ALGORITHM = "spectralgpt:uncertainplaces"
VIEW, WHOLE = range(2)
_FILE = "spectralgpt/places_file"  # custom property of the layer: path that the search wrote


class NextPlaces(QWidget):
    """A button that finds places, and the walk through the places that were found."""

    found = pyqtSignal(object)  # the layer of places
    told = pyqtSignal(str)  # message about the search
    failed = pyqtSignal(str, str)  # message, details

    def __init__(self, canvas: Any, parent: QWidget | None = None) -> None:
        """Starts without a model.

        Args:
            canvas: The map canvas; not owned.
            parent: Parent widget.
        """
        super().__init__(parent)
        self._canvas = canvas
        self._trained: Trained | None = None
        self.run = BackgroundRun(self)
        self.run.succeeded.connect(self._show)
        self.run.failed.connect(self.failed)
        self.run.stopped.connect(lambda: self.told.emit(tr("Stopped.")))
        self.button = QPushButton(tr("&Find places to label next"))
        self.button.setAutoDefault(False)
        self.button.clicked.connect(self.start)
        self.where = QComboBox()
        self.where.addItems([tr("In the current map view"), tr("In the whole layer")])
        self.where.setAccessibleName(tr("Where to look for places"))
        self.walk = PlaceWalk(canvas)
        self.walk.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for part in (self.where, self.button, self.walk):
            layout.addWidget(part)

    def show_model(self, trained: Trained | None) -> None:
        """Sets the model to improve; None for none."""
        self.run.forget()
        self._trained = trained
        self.walk.set_layer(None)
        self.walk.hide()
        maps = trained is not None and trained.task == "segmentation"
        self.setEnabled(maps)
        self.setToolTip("" if maps else tr("Only for models that assign a class to every pixel."))

    def start(self, *_: Any) -> None:
        """Finds places in the map view, or everywhere."""
        trained = self._trained
        if trained is None:
            return
        settings = self._canvas.mapSettings()
        rasters = trained.rasters()
        seen = shown(rasters, settings.visibleExtent(), settings.destinationCrs())
        if seen is None and (self.where.currentIndex() == VIEW or not rasters):
            self.failed.emit(none_shown(rasters), "")
            return
        layers = seen[0] if seen is not None else rasters[0]
        parameters = {
            **trained.mapping(layers),
            "LABELS": trained.labels(),
            "OUTPUT": self._new_file(),
        }
        if self.where.currentIndex() == VIEW and seen is not None:
            parameters["EXTENT"] = extent_text(seen[1], layers[0].crs())
        self.run.start(ALGORITHM, parameters)

    def _new_file(self) -> str:
        """A path in the project's folder, so that the places can be labelled later too; else a temporary file."""
        folder = QgsProject.instance().absolutePath()
        if folder and os.access(folder, os.W_OK):
            name = re.sub(r"[^\w-]+", "_", self._trained.name)
            return str(free_file(Path(folder) / f"places_{name}.gpkg"))
        return str(QgsProcessingUtils.generateTempFilename("places.gpkg"))

    def _show(self, outputs: dict[str, Any]) -> None:
        layer = QgsVectorLayer(str(outputs["OUTPUT"]), tr("Places to label next"), "ogr")
        if not layer.isValid():
            self.failed.emit(tr("The places cannot be opened: {}").format(outputs["OUTPUT"]), "")
            return
        old = self.walk.layer() or kept_places(QgsProject.instance())
        if old is not None:
            file = _own_file(old)
            QgsProject.instance().removeMapLayer(old.id())
            if file is not None:
                with suppress(OSError):
                    file.unlink()  # replaced by the new places
        QgsProject.instance().addMapLayer(layer, False)
        put_above(layer)
        classes = self._trained.engine.get("classes", ())
        titles = {item["name"]: item["title"] for item in classes}
        layer.setCustomProperty(TITLES, json.dumps(titles))  # for other walks through the layer
        layer.setCustomProperty(_FILE, layer.source())
        self.walk.set_layer(layer)
        self.walk.show()
        told = tr("Places found in {seconds:.1f} s: {count}.").format(
            seconds=self.run.seconds, count=outputs.get("PLACE_COUNT", layer.featureCount())
        )
        self.told.emit(localised(told))
        self.found.emit(layer)
        self.walk.step(1)


def _own_file(layer: QgsVectorLayer) -> Path | None:
    """The file that a search wrote; None if the user saved the places elsewhere, or added other layers to the file."""
    file = Path(layer.source())
    if Path(str(layer.customProperty(_FILE, ""))) != file:
        return None
    # Not with QGIS, which does not see layers that were added after it opened the file.
    query = "SELECT count(*) FROM gpkg_contents WHERE table_name <> 'layer_styles'"
    with suppress(sqlite3.Error), closing(sqlite3.connect(file)) as database:
        return file if database.execute(query).fetchone() == (1,) else None
    return None

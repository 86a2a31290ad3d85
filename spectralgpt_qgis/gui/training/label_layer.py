"""Makes a new label layer: a GeoPackage with a style, ready for drawing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsEditFormConfig,
    QgsField,
    QgsFields,
    QgsProject,
    QgsSnappingConfig,
    QgsVectorFileWriter,
    QgsVectorLayer,
    QgsWkbTypes,
)

from ...field_types import INTEGER
from ...i18n import tr
from .label_classes import LabelClass, write_classes

FIELD = "class"


class LabelLayerNotMade(Exception):
    """The file cannot be written; the message says why and what to do."""


def free_label_file(folder: Path, raster_name: str) -> Path:
    """The path of a new GeoPackage, named after the raster.

    Args:
        folder: Its folder.
        raster_name: Name of the raster's layer.
    """
    stem = re.sub(r"[^\w-]+", "_", raster_name).strip("_")[:60]
    return free_file(folder / (f"labels_{stem}.gpkg" if stem else "labels.gpkg"))


def free_file(path: Path) -> Path:
    """The path itself, or with a number if the file exists."""
    free, number = path, 2
    while free.exists():
        free, number = path.with_name(f"{path.stem}_{number}{path.suffix}"), number + 1
    return free


def make_label_layer(
    path: Path, name: str, crs: QgsCoordinateReferenceSystem, classes: Sequence[LabelClass]
) -> QgsVectorLayer:
    """Creates an empty polygon layer with a class field, and opens it.

    Args:
        path: Path of a GeoPackage that does not exist yet.
        name: Name of the layer.
        crs: CRS of the imagery.
        classes: Its first classes.

    Raises:
        LabelLayerNotMade: The file exists or cannot be written.
    """
    if path.exists():
        raise LabelLayerNotMade(
            tr("The file {} already exists and was not changed. Choose another name.").format(path)
        )
    fields = QgsFields()
    fields.append(QgsField(FIELD, INTEGER))
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.driverName = "GPKG"
    options.layerName = "labels"
    writer = QgsVectorFileWriter.create(
        str(path),
        fields,
        QgsWkbTypes.Type.Polygon,
        crs,
        QgsProject.instance().transformContext(),
        options,
    )
    failed = writer.hasError() != QgsVectorFileWriter.WriterError.NoError
    reason = writer.errorMessage()
    del writer  # closes the file
    source = f"{path}|layername=labels"
    layer = QgsVectorLayer(source, name, "ogr")
    if failed or not layer.isValid():
        raise LabelLayerNotMade(
            tr(
                "The label layer could not be created in {path}: {reason} Choose a folder in which you can write."
            ).format(path=path, reason=reason)
        )
    write_classes(layer, FIELD, classes)
    # No form after every polygon, as the class is chosen before drawing.
    form = layer.editFormConfig()
    form.setSuppress(QgsEditFormConfig.FeatureFormSuppress.SuppressOn)
    layer.setEditFormConfig(form)
    layer.saveStyleToDatabase("spectralgpt", "", True, "")
    # Opened again, as saving the style leaves the layer with a connection that can no longer write.
    del layer
    return QgsVectorLayer(source, name, "ogr")


def switch_snapping_off(project: QgsProject, layer: QgsVectorLayer) -> None:
    """Switches snapping off for a layer only, as labels are drawn freehand, inside the objects that they label.

    Args:
        project: The layer's project.
        layer: The labels.
    """
    snapping = project.snappingConfig()

    def settings(enabled: bool) -> QgsSnappingConfig.IndividualLayerSettings:
        return QgsSnappingConfig.IndividualLayerSettings(
            enabled, snapping.typeFlag(), snapping.tolerance(), snapping.units()
        )

    snapping.setIndividualLayerSettings(layer, settings(False))
    everything = QgsSnappingConfig.SnappingMode.AllLayers
    if snapping.enabled() and snapping.mode() == everything:
        for other in project.mapLayers().values():
            if isinstance(other, QgsVectorLayer) and other.isSpatial() and other is not layer:
                snapping.setIndividualLayerSettings(other, settings(True))
        snapping.setMode(QgsSnappingConfig.SnappingMode.AdvancedConfiguration)
    project.setSnappingConfig(snapping)

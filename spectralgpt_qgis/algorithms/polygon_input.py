"""Polygons for the engine: what the user gave, with selection and filter honoured, as a temporary file."""

from __future__ import annotations

from pathlib import Path

from qgis.core import (
    QgsCoordinateTransformContext,
    QgsFeatureSink,
    QgsFeedback,
    QgsProcessingException,
    QgsProcessingFeatureSource,
    QgsVectorFileWriter,
)

from ..i18n import tr


def write_polygons(
    source: QgsProcessingFeatureSource,
    target: Path,
    transforms: QgsCoordinateTransformContext,
    feedback: QgsFeedback,
) -> str:
    """Writes a feature source, in its own CRS, to a GeoPackage.

    Args:
        source: Polygons; only the selected ones when the user asked for that.
        target: A file that does not exist, `.gpkg`.
        transforms: Of the run.
        feedback: Can stop the writing.

    Returns:
        The file's path.

    Raises:
        QgsProcessingException: There are no polygons, or the file cannot be written.
    """
    if not source.sourceCrs().isValid():
        raise QgsProcessingException(
            tr(
                "The polygon layer '{}' has no coordinate reference system. Set it with right-click, Layer CRS."
            ).format(source.sourceName())
        )
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.driverName = "GPKG"
    options.fileEncoding = "UTF-8"
    # The identifier of a feature may repeat or be no number: the file gets its own.
    options.layerOptions = ["FID=spectralgpt_fid"]
    writer = QgsVectorFileWriter.create(
        str(target), source.fields(), source.wkbType(), source.sourceCrs(), transforms, options
    )
    if writer.hasError() != QgsVectorFileWriter.WriterError.NoError:
        raise QgsProcessingException(
            tr("The polygons could not be copied to {path}: {reason}").format(
                path=target, reason=writer.errorMessage()
            )
        )
    written = 0
    for feature in source.getFeatures():
        if feedback.isCanceled():
            break
        if not feature.hasGeometry():
            continue
        if not writer.addFeature(feature, QgsFeatureSink.Flag.FastInsert):
            raise QgsProcessingException(
                tr("The polygons could not be copied to {path}: {reason}").format(
                    path=target, reason=writer.errorMessage()
                )
            )
        written += 1
    del writer  # closes the file
    if not written and not feedback.isCanceled():
        raise QgsProcessingException(
            tr(
                "The layer '{}' holds no polygons to use. Draw some, check its filter, or untick "
                "'Selected features only'."
            ).format(source.sourceName())
        )
    return str(target)

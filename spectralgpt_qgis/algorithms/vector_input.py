"""Writes vector layers to temporary files for the engine, with selection, filter and unsaved edits honoured."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransformContext,
    QgsFeature,
    QgsFeatureRequest,
    QgsFeatureSink,
    QgsFeedback,
    QgsFields,
    QgsProcessingException,
    QgsProcessingFeatureSource,
    QgsProcessingFeatureSourceDefinition,
    QgsVectorFileWriter,
    QgsVectorLayer,
    QgsVectorLayerFeatureSource,
    QgsWkbTypes,
)

from ..field_types import storable, stored
from ..i18n import tr
from ..layer_words import without_crs


class LayerFeatures:
    """The features of a layer as they are when it is read, so that another thread never touches the layer.

    Unsaved edits and the layer's filter are honoured. It has the methods of QgsProcessingFeatureSource that
    `write_features` calls.
    """

    def __init__(
        self,
        layer: QgsVectorLayer,
        selected_only: bool = False,
        definition: QgsProcessingFeatureSourceDefinition | None = None,
    ) -> None:
        """Takes what there is, in the thread the layer belongs to.

        Args:
            layer: A valid layer.
            selected_only: Takes the selected features alone.
            definition: How a script asked for the features, with its limit and filter.
        """
        self._source = QgsVectorLayerFeatureSource(layer)
        self._name, self._crs, self._wkb_type = layer.name(), layer.crs(), layer.wkbType()
        self._chosen = frozenset(layer.selectedFeatureIds()) if selected_only else None
        self._request = QgsFeatureRequest()
        self._limit = getattr(definition, "featureLimit", -1)
        # From QGIS 3.32 on.
        expression = getattr(definition, "filterExpression", "")
        if expression:
            self._request.setFilterExpression(expression)
        self._fields = QgsFields(layer.fields())

    def sourceName(self) -> str:  # noqa: N802
        """The layer's name."""
        return self._name

    def sourceCrs(self) -> QgsCoordinateReferenceSystem:  # noqa: N802
        """The layer's CRS."""
        return self._crs

    def fields(self) -> QgsFields:
        """Its fields."""
        return self._fields

    def wkbType(self) -> QgsWkbTypes.Type:  # noqa: N802
        """The type of its geometries."""
        return self._wkb_type

    def getFeatures(self) -> Iterator[QgsFeature]:  # noqa: N802
        """The features; may be called in any thread."""
        given = 0
        for feature in self._source.getFeatures(self._request):
            if self._chosen is not None and feature.id() not in self._chosen:
                continue
            if 0 <= self._limit <= given:
                return
            given += 1
            yield feature


def write_features(
    source: QgsProcessingFeatureSource | LayerFeatures,
    target: Path,
    transforms: QgsCoordinateTransformContext,
    feedback: QgsFeedback,
    field: str = "",
) -> str:
    """Writes features, in their own CRS, to a GeoPackage; lists become text, with ";" between the items.

    Args:
        source: Features; only the selected ones when the user asked for that.
        target: A file that does not exist, `.gpkg`.
        transforms: Coordinate transforms of the run.
        feedback: Can stop the writing.
        field: Keeps its name; of others that differ in their case alone, all but one get a number.

    Returns:
        The file's path.

    Raises:
        QgsProcessingException: There are no features, or the file cannot be written.
    """
    if not source.sourceCrs().isValid():
        raise QgsProcessingException(without_crs(source.sourceName()))
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.driverName = "GPKG"
    options.fileEncoding = "UTF-8"
    # The identifier of a feature may repeat or be no number, and a field may be called like the geometry's column:
    # the file gets its own.
    options.layerOptions = ["FID=spectralgpt_fid", "GEOMETRY_NAME=spectralgpt_geometry"]
    fields = _distinct(source.fields(), field)
    writer = QgsVectorFileWriter.create(
        str(target),
        fields,
        source.wkbType(),
        source.sourceCrs(),
        transforms,
        options,
    )
    if writer.hasError() != QgsVectorFileWriter.WriterError.NoError:
        raise QgsProcessingException(_not_copied(source.sourceName(), target, writer))
    written = 0
    numbers = [index for index, field in enumerate(fields) if field.isNumeric()]
    changed = [
        index for index, given in enumerate(source.fields()) if given.type() != fields[index].type()
    ]
    for feature in source.getFeatures():
        if feedback.isCanceled():
            break
        if not feature.hasGeometry():
            continue
        for index in changed:
            feature.setAttribute(index, stored(feature.attribute(index)))
        for index in numbers:
            # What was drawn and not saved yet has the text "Autogenerate" for its identifier.
            if not isinstance(feature.attribute(index), (int, float)):
                feature.setAttribute(index, None)
        if not writer.addFeature(feature, QgsFeatureSink.Flag.FastInsert):
            raise QgsProcessingException(_not_copied(source.sourceName(), target, writer))
        written += 1
    del writer  # closes the file
    if not written and not feedback.isCanceled():
        raise QgsProcessingException(
            tr(
                "The layer '{}' holds no features to use. Draw some, check its filter, or untick "
                "'Selected features only'."
            ).format(source.sourceName())
        )
    return str(target)


def _distinct(fields: QgsFields, kept: str) -> QgsFields:
    """Fields as a GeoPackage can hold them; their names differ in more than their case."""
    taken = {field.name().lower() for field in fields if field.name() != kept}
    given, named = {kept.lower()}, QgsFields()
    for field in map(storable, fields):
        name, number = field.name(), 2
        if name != kept and name.lower() in given:
            while f"{name}_{number}".lower() in taken | given:
                number += 1
            field.setName(f"{name}_{number}")
        given.add(field.name().lower())
        named.append(field)
    return named


def file_stem(name: str) -> str:
    """A layer's name as that of a file; empty when nothing of it can be used."""
    return re.sub(r"[^\w-]+", "_", name).strip("_")[:60]


def _not_copied(name: str, target: Path, writer: QgsVectorFileWriter) -> str:
    return tr("The features of '{name}' could not be copied to {path}: {reason}").format(
        name=name, path=target, reason=writer.errorMessage()
    )

"""Writes vector layers to temporary files for the engine; respects selection, filter and unsaved edits."""

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
    QgsField,
    QgsFields,
    QgsProcessingException,
    QgsProcessingFeatureSource,
    QgsProcessingFeatureSourceDefinition,
    QgsVectorFileWriter,
    QgsVectorLayer,
    QgsVectorLayerFeatureSource,
    QgsWkbTypes,
)

from ..field_types import LONG, storable, stored
from ..i18n import tr
from ..layer_words import without_crs

_FID = "spectralgpt_fid"


class LayerFeatures:
    """A snapshot of a layer's features, so that another thread never touches the layer.

    Includes unsaved edits and respects the layer's filter. It has those methods of QgsProcessingFeatureSource that
    `write_features` calls.
    """

    def __init__(
        self,
        layer: QgsVectorLayer,
        selected_only: bool = False,
        definition: QgsProcessingFeatureSourceDefinition | None = None,
    ) -> None:
        """Takes the snapshot; must be called in the layer's thread.

        Args:
            layer: A valid layer.
            selected_only: Whether to take only the selected features.
            definition: The feature source definition of a script, which may have a limit and a filter.
        """
        self._source = QgsVectorLayerFeatureSource(layer)
        self._name, self._crs, self._wkb_type = layer.name(), layer.crs(), layer.wkbType()
        self._chosen = frozenset(layer.selectedFeatureIds()) if selected_only else None
        self._request = QgsFeatureRequest()
        self._limit = getattr(definition, "featureLimit", -1)
        # The definition has a filter since QGIS 3.32.
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
        """The layer's fields."""
        return self._fields

    def wkbType(self) -> QgsWkbTypes.Type:  # noqa: N802
        """The layer's geometry type."""
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
    """Writes features to a GeoPackage, in their own CRS and with their ids; lists become text, items joined with ";".

    Args:
        source: The features to write.
        target: A `.gpkg` file that does not exist yet.
        transforms: Coordinate transforms of the run.
        feedback: Can cancel the writing.
        field: Field that must keep its name. Other fields get a number where names differ only in case, which a
            GeoPackage does not allow.

    Returns:
        The file's path.

    Raises:
        QgsProcessingException: There are no features, or the file cannot be written.
    """
    if not source.sourceCrs().isValid():
        raise QgsProcessingException(without_crs(source.sourceName()))
    fields = _distinct(source.fields(), field)
    writer = _writer(source, fields, target, transforms)
    if writer.hasError() != QgsVectorFileWriter.WriterError.NoError:
        raise QgsProcessingException(_not_copied(source.sourceName(), target, writer))
    written = 0
    numbers = [index for index, column in enumerate(fields) if column.isNumeric()]
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
            # A feature that was drawn but not saved yet has the text "Autogenerate" as its fid.
            if not isinstance(feature.attribute(index), (int, float)):
                feature.setAttribute(index, None)
        feature.setAttributes([feature.id(), *feature.attributes()])
        if not writer.addFeature(feature, QgsFeatureSink.Flag.FastInsert):
            raise QgsProcessingException(_not_copied(source.sourceName(), target, writer))
        written += 1
    del writer  # closes the file
    if not written and not feedback.isCanceled():
        raise QgsProcessingException(
            tr(
                "The layer '{}' has no features to use. Draw some, check its filter, or untick 'Selected features "
                "only'."
            ).format(source.sourceName())
        )
    return str(target)


def _writer(
    source: QgsProcessingFeatureSource | LayerFeatures,
    fields: QgsFields,
    target: Path,
    transforms: QgsCoordinateTransformContext,
) -> QgsVectorFileWriter:
    """A writer of a GeoPackage; its first field takes the feature ids."""
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.driverName = "GPKG"
    options.fileEncoding = "UTF-8"
    # Not the default names: a field "fid" may hold duplicates or text, and a field may be named like the geometry
    # column.
    options.layerOptions = [f"FID={_FID}", "GEOMETRY_NAME=spectralgpt_geometry"]
    # A first field of this name becomes the feature id in the file: messages of the engine then name the layer's ids.
    with_id = QgsFields()
    for item in (QgsField(_FID, LONG), *fields):
        with_id.append(item)
    return QgsVectorFileWriter.create(
        str(target), with_id, source.wkbType(), source.sourceCrs(), transforms, options
    )


def _distinct(fields: QgsFields, kept: str) -> QgsFields:
    """Fields of types that a GeoPackage can store, under names that differ in more than case."""
    taken = {field.name().lower() for field in fields if field.name() != kept}
    given, named = {kept.lower(), _FID}, QgsFields()
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
    """A file name without extension, made from a layer's name; empty if no character of it can be used."""
    return re.sub(r"[^\w-]+", "_", name).strip("_")[:60]


def _not_copied(name: str, target: Path, writer: QgsVectorFileWriter) -> str:
    return tr("The features of '{name}' could not be copied to {path}: {reason}").format(
        name=name, path=target, reason=writer.errorMessage()
    )

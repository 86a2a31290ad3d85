"""Prepares labels and reference data for the engine: polygons or points with a class field, or a class raster."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransformContext,
    QgsFeatureRequest,
    QgsMapLayer,
    QgsProcessingContext,
    QgsProcessingFeatureSourceDefinition,
    QgsProcessingFeedback,
    QgsRasterLayer,
    QgsRectangle,
    QgsUnitTypes,
    QgsVectorLayer,
    QgsWkbTypes,
)

from ..field_types import can_hold_classes, is_list
from ..i18n import tr
from ..label_look import as_text, is_unset, look_in_training
from ..layer_words import (
    picture_without_classes,
    without_class_field,
    without_classes,
    without_crs,
)
from ..raster_source import is_picture
from .raster_input import RasterInput, read_raster
from .vector_input import LayerFeatures, file_stem, write_features

_LOOKED_AT = 20_000  # features, few enough not to block the main thread noticeably


class LabelInput(NamedTuple):
    """A layer of labels, or of reference data, for the engine.

    Attributes:
        name: The layer's name, for messages.
        extent: Extent of the features or of the raster, in `crs`.
        crs: The layer's CRS.
        classes: Names and colours of the classes, from `look_in_training`.
        raster: The raster, if the layer is one.
        features: The features of a vector layer.
        notes: Warnings for the user, each a sentence.
        field: The class field; empty for a raster.
    """

    name: str
    extent: QgsRectangle
    crs: QgsCoordinateReferenceSystem
    classes: str
    raster: RasterInput | None = None
    features: LayerFeatures | None = None
    notes: tuple[str, ...] = ()
    field: str = ""

    @property
    def has_points(self) -> bool:
        """Whether the layer has point geometries."""
        return self.features is not None and (
            QgsWkbTypes.geometryType(self.features.wkbType())
            == QgsWkbTypes.GeometryType.PointGeometry
        )

    def file(
        self,
        folder: Path,
        transforms: QgsCoordinateTransformContext,
        feedback: QgsProcessingFeedback,
    ) -> str:
        """A path or GDAL data source name that the engine can open.

        Args:
            folder: Folder for a temporary file.
            transforms: Coordinate transforms of the run.
            feedback: Can cancel the writing.

        Raises:
            QgsProcessingException: There is nothing to write, or it cannot be written.
        """
        if self.raster is not None:
            return self.raster.source(folder, None, 10.0, transforms, feedback)
        # Named after the layer, as reports contain the file name.
        target = folder / f"{file_stem(self.name) or 'labels'}.gpkg"
        return write_features(self.features, target, transforms, feedback, self.field)

    def around(self, metres: float) -> tuple[QgsRectangle, QgsCoordinateReferenceSystem]:
        """The labels' extent, buffered by `metres`, with its CRS."""
        factor = QgsUnitTypes.fromUnitToUnitFactor(
            QgsUnitTypes.DistanceUnit.DistanceMeters, self.crs.mapUnits()
        )
        return self.extent.buffered(metres * factor), self.crs


def wants_selection(value: Any) -> bool:
    """Whether a parameter's value limits the features to the selected ones."""
    return isinstance(value, QgsProcessingFeatureSourceDefinition) and value.selectedFeaturesOnly


def label_choice(
    algorithm: Any, name: str, parameters: dict[str, Any], context: QgsProcessingContext
) -> tuple[QgsMapLayer | None, str, bool]:
    """The label layer that was chosen, its class field, and whether only its selected features are used.

    Args:
        algorithm: An algorithm with the parameters FIELD and SELECTED_ONLY.
        name: Name of the layer's parameter.
        parameters: Parameters of the run.
        context: Context of the run.
    """
    layer = algorithm.parameterAsLayer(algorithm.plain(parameters), name, context)
    field = "".join(algorithm.parameterAsFields(parameters, algorithm.FIELD, context)[:1])
    selected = algorithm.parameterAsBool(parameters, algorithm.SELECTED_ONLY, context)
    return layer, field, selected or wants_selection(parameters.get(name))


def read_labels(layer: QgsMapLayer, value: Any, field: str, selected_only: bool) -> LabelInput:
    """Reads from a layer all that a run needs, so that other threads need not touch the layer.

    Args:
        layer: A valid vector or raster layer of this thread.
        value: Value of the parameter, which a script may give as a feature source definition.
        field: The class field; not used for a raster.
        selected_only: Whether to take only the selected features.
    """
    classes = look_in_training(layer, field)
    if isinstance(layer, QgsRasterLayer):
        raster = read_raster(layer)
        notes = list(raster.notes)
        if raster.nodata:
            notes.append(
                tr(
                    "The additional no-data values of '{}' cannot be passed to the engine, which would treat them as "
                    "classes. Set them in the file instead."
                ).format(layer.name())
            )
        return LabelInput(
            layer.name(),
            QgsRectangle(layer.extent()),
            layer.crs(),
            classes,
            raster=raster,
            notes=tuple(notes),
        )
    definition = value if isinstance(value, QgsProcessingFeatureSourceDefinition) else None
    extent = layer.boundingBoxOfSelected() if selected_only else layer.extent()
    return LabelInput(
        layer.name(),
        QgsRectangle(extent),
        layer.crs(),
        classes,
        features=LayerFeatures(layer, selected_only, definition),
        field=field,
    )


def picture_problem(layer: QgsMapLayer | None) -> str:
    """Message if the layer is a picture, which cannot be a class raster; empty for all other layers."""
    return picture_without_classes(layer.name()) if is_picture(layer) else ""


def kind_problem(layer: QgsMapLayer | None) -> str:
    """Message if the layer's type or CRS rules it out as labels, whatever its fields; empty if not.

    Args:
        layer: The layer; None if there is none.
    """
    if layer is None or isinstance(layer, QgsRasterLayer):
        return picture_problem(layer)
    if not isinstance(layer, QgsVectorLayer) or layer.geometryType() not in (
        QgsWkbTypes.GeometryType.PointGeometry,
        QgsWkbTypes.GeometryType.PolygonGeometry,
    ):
        return tr(
            "The layer '{}' has neither polygons nor points. Choose a layer with polygons or points, or a class "
            "raster."
        ).format(layer.name())
    return "" if layer.crs().isValid() else without_crs(layer.name())


def label_problem(layer: QgsMapLayer | None, field: str, selected_only: bool) -> str:
    """Message about what the user must correct in a label layer; empty if it can be used.

    Args:
        layer: The layer; None if there is none.
        field: The class field that was chosen; empty for none.
        selected_only: Whether only the selected features are to be used.
    """
    reason = kind_problem(layer)
    if reason or not isinstance(layer, QgsVectorLayer):
        return reason
    names = [item.name() for item in layer.fields()]
    listed = ", ".join(names) or tr("none")
    # A list field holds the several labels of a scene.
    if not any(can_hold_classes(item) or is_list(item) for item in layer.fields()):
        return without_class_field(layer.name())
    if not field:
        return tr(
            "Choose the field of '{layer}' that contains the class of each feature. Available fields: {fields}."
        ).format(layer=layer.name(), fields=listed)
    if field not in names:
        return tr("The layer '{layer}' has no field '{field}'. Available fields: {fields}.").format(
            layer=layer.name(), field=field, fields=listed
        )
    if selected_only and not layer.selectedFeatureCount():
        return tr(
            "No features are selected in '{}'. Select the features to use, or untick 'Selected features only'."
        ).format(layer.name())
    return ""


def too_few_classes(layer: QgsMapLayer | None, field: str, selected_only: bool) -> str:
    """Message if the labels have fewer than two classes; empty if they have two or more.

    The engine checks this too, but only after it has started.

    Args:
        layer: Labels in which `label_problem` found nothing wrong.
        field: The class field.
        selected_only: Whether only the selected features are to be used.
    """
    if not isinstance(layer, QgsVectorLayer):
        return ""
    request = QgsFeatureRequest().setSubsetOfAttributes([field], layer.fields())
    request.setFlags(QgsFeatureRequest.Flag.NoGeometry).setLimit(_LOOKED_AT)
    index = layer.fields().lookupField(field)
    features = layer.getSelectedFeatures(request) if selected_only else layer.getFeatures(request)
    seen, found = 0, set()
    for feature in features:
        seen += 1
        value = feature.attribute(index)
        if not is_unset(value):
            found.add(as_text(value))
        if len(found) > 1:
            return ""
    # Without features, `write_features` says so; beyond the limit, there may be further classes.
    if not seen or seen == _LOOKED_AT:
        return ""
    if not found:
        return without_classes(field)
    return tr(
        "The labels '{layer}' have only one class: '{label}'. Also label areas that do not belong to this class, for "
        "instance as 'other'."
    ).format(layer=layer.name(), label=found.pop())

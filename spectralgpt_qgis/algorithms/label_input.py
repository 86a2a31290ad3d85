"""What is known on the ground, for the engine: polygons or points with a class field, or a class raster."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransformContext,
    QgsFeatureRequest,
    QgsFeedback,
    QgsMapLayer,
    QgsProcessingContext,
    QgsProcessingFeatureSourceDefinition,
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

_LOOKED_AT = 20_000  # features: what takes a moment in the thread of the windows


class LabelInput(NamedTuple):
    """A layer of labels, or of reference, for the engine.

    Attributes:
        name: The layer's name, for messages.
        extent: Extent of the features or of the raster, in `crs`.
        crs: The layer's CRS.
        classes: Names and colours of the classes as `look_in_training` gives them.
        raster: When it is a raster.
        features: When it is not.
        notes: What the user should know; each is a sentence.
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
        """Whether it is a layer of points."""
        return self.features is not None and (
            QgsWkbTypes.geometryType(self.features.wkbType())
            == QgsWkbTypes.GeometryType.PointGeometry
        )

    def file(
        self, folder: Path, transforms: QgsCoordinateTransformContext, feedback: QgsFeedback
    ) -> str:
        """A path or GDAL name that the engine can open.

        Args:
            folder: For a temporary file.
            transforms: Coordinate transforms of the run.
            feedback: Can stop the writing.

        Raises:
            QgsProcessingException: There is nothing to write, or it cannot be written.
        """
        if self.raster is not None:
            return self.raster.source(folder, None, 10.0, transforms, feedback)
        # Reports name the file: it is called like the layer.
        target = folder / f"{file_stem(self.name) or 'labels'}.gpkg"
        return write_features(self.features, target, transforms, feedback, self.field)

    def around(self, metres: float) -> tuple[QgsRectangle, QgsCoordinateReferenceSystem]:
        """The labels' extent and so much around it, with its CRS."""
        factor = QgsUnitTypes.fromUnitToUnitFactor(
            QgsUnitTypes.DistanceUnit.DistanceMeters, self.crs.mapUnits()
        )
        return self.extent.buffered(metres * factor), self.crs


def wants_selection(value: Any) -> bool:
    """Whether a parameter's value asks for the selected features alone."""
    return isinstance(value, QgsProcessingFeatureSourceDefinition) and value.selectedFeaturesOnly


def label_choice(
    algorithm: Any, name: str, parameters: dict[str, Any], context: QgsProcessingContext
) -> tuple[QgsMapLayer | None, str, bool]:
    """The layer of labels that was chosen, its class field, and whether only its selection counts.

    Args:
        algorithm: Has the parameters FIELD and SELECTED_ONLY.
        name: Name of the layer's parameter.
        parameters: Parameters of the run.
        context: Context of the run.
    """
    layer = algorithm.parameterAsLayer(algorithm.plain(parameters), name, context)
    field = "".join(algorithm.parameterAsFields(parameters, algorithm.FIELD, context)[:1])
    selected = algorithm.parameterAsBool(parameters, algorithm.SELECTED_ONLY, context)
    return layer, field, selected or wants_selection(parameters.get(name))


def read_labels(layer: QgsMapLayer, value: Any, field: str, selected_only: bool) -> LabelInput:
    """Takes from a layer what a run needs, so that the layer is not touched again.

    Args:
        layer: A valid vector or raster layer, in the thread it belongs to.
        value: Value of the parameter: a script may give a feature source definition.
        field: The class field; not used for a raster.
        selected_only: Takes the selected features alone.
    """
    classes = look_in_training(layer, field)
    if isinstance(layer, QgsRasterLayer):
        raster = read_raster(layer)
        notes = list(raster.notes)
        if raster.nodata:
            notes.append(
                tr(
                    "The additional no-data values of '{}' are not known to the engine: it takes them for classes. Set "
                    "them in the file instead."
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
    """What keeps a raster from being one of classes; empty when nothing does, as of any other layer."""
    return picture_without_classes(layer.name()) if is_picture(layer) else ""


def kind_problem(layer: QgsMapLayer | None) -> str:
    """What keeps a layer from being labels, whatever its fields; empty when nothing does.

    Args:
        layer: The layer; None when there is none.
    """
    if layer is None or isinstance(layer, QgsRasterLayer):
        return picture_problem(layer)
    if not isinstance(layer, QgsVectorLayer) or layer.geometryType() not in (
        QgsWkbTypes.GeometryType.PointGeometry,
        QgsWkbTypes.GeometryType.PolygonGeometry,
    ):
        return tr(
            "The layer '{}' has neither polygons nor points. Choose a layer of polygons, of points, or a class raster."
        ).format(layer.name())
    return "" if layer.crs().isValid() else without_crs(layer.name())


def label_problem(layer: QgsMapLayer | None, field: str, selected_only: bool) -> str:
    """What the user must put right about a label layer; empty when nothing.

    Args:
        layer: The layer; None when there is none.
        field: The class field that was chosen; empty for none.
        selected_only: Whether the selected features alone are wanted.
    """
    reason = kind_problem(layer)
    if reason or not isinstance(layer, QgsVectorLayer):
        return reason
    names = [item.name() for item in layer.fields()]
    listed = ", ".join(names) or tr("none")
    # A scene may have several labels: a list of them.
    if not any(can_hold_classes(item) or is_list(item) for item in layer.fields()):
        return without_class_field(layer.name())
    if not field:
        return tr(
            "Choose the field of '{layer}' that holds the class of each feature. Its fields are: {fields}."
        ).format(layer=layer.name(), fields=listed)
    if field not in names:
        return tr("The layer '{layer}' has no field '{field}'. Its fields are: {fields}.").format(
            layer=layer.name(), field=field, fields=listed
        )
    if selected_only and not layer.selectedFeatureCount():
        return tr(
            "Nothing is selected in '{}'. Select the features to use, or untick 'Selected features only'."
        ).format(layer.name())
    return ""


def too_few_classes(layer: QgsMapLayer | None, field: str, selected_only: bool) -> str:
    """Whether there is nothing to tell apart, which the engine would find only once it runs; empty when there is.

    Args:
        layer: Labels that `label_problem` has passed.
        field: The class field.
        selected_only: Whether the selected features alone are wanted.
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
    if (
        not seen or seen == _LOOKED_AT
    ):  # the writing tells of no features; of more, some were not seen
        return ""
    if not found:
        return without_classes(field)
    return tr(
        "The labels '{layer}' have one class only: '{label}'. Label what is not of this class too, for instance as "
        "'other'."
    ).format(layer=layer.name(), label=found.pop())

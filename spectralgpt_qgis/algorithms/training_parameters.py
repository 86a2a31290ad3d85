"""Parameters of the training and accuracy algorithms; each function returns a new definition."""

from __future__ import annotations

from qgis.core import (
    QgsProcessing,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterField,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterMapLayer,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterString,
    QgsProcessingParameterVectorDestination,
)

from ..i18n import tr
from .parameters import MODEL_WIDGET, advanced, helped, whole_number

# A class path instead of an import, for the same reason as MODEL_WIDGET.
FIELD_WIDGET = "{}.gui.field_widget.FieldWidgetWrapper".format(__package__.rpartition(".")[0])


def rasters(
    name: str, description: str, optional: bool = False
) -> QgsProcessingParameterDefinition:
    """Several raster layers or files, in an order that the user can change."""
    return QgsProcessingParameterMultipleLayers(
        name, description, QgsProcessing.SourceType.TypeRaster, None, optional
    )


def labels(name: str, description: str, optional: bool = False) -> QgsProcessingParameterDefinition:
    """Polygons or points with a class field, or a class raster."""
    kinds = QgsProcessing.SourceType
    return QgsProcessingParameterMapLayer(
        name,
        description,
        None,
        optional,
        [kinds.TypeVectorPolygon, kinds.TypeVectorPoint, kinds.TypeRaster],
    )


def class_field(name: str, parent: str) -> QgsProcessingParameterDefinition:
    """The field with the class; left empty for a class raster."""
    parameter = QgsProcessingParameterField(
        name,
        tr("Field with the class (not for rasters)"),
        None,
        parent,
        optional=True,
    )
    parameter.setMetadata({"widget_wrapper": {"class": FIELD_WIDGET}})
    return helped(parameter, tr("Text or whole numbers: one value for each class."))


def selected_only(name: str) -> QgsProcessingParameterDefinition:
    """Whether only selected features are used; QGIS offers this box for feature sources, not for map layers."""
    return helped(
        QgsProcessingParameterBoolean(name, tr("Selected features only"), False),
        tr("Only the selected features of the layer are used."),
    )


def band_numbers(name: str, description: str) -> QgsProcessingParameterDefinition:
    """Band numbers as text: they are for several rasters, and QGIS's band parameter lists those of one layer."""
    return advanced(
        helped(
            QgsProcessingParameterString(name, description, None, False, True),
            tr(
                "Leave empty to match bands by name, description or wavelength. Otherwise enter the number of one "
                "raster band for each band of the model, in the model's order, such as 2,3,4,8."
            ),
        )
    )


def base_model(
    name: str, description: str, task: str = "", sizes: tuple[str, ...] = ()
) -> QgsProcessingParameterDefinition:
    """The name or path of a model to start training from.

    Args:
        name: Name of the parameter.
        description: Its label.
        task: Lists only models for this task; empty for all.
        sizes: Names of sizes, each of which starts from random weights instead.
    """
    parameter = QgsProcessingParameterString(name, description, "backbone")
    parameter.setMetadata(
        {
            "widget_wrapper": {
                "class": MODEL_WIDGET,
                "task": task,
                "training": True,
                "words": list(sizes),
            }
        }
    )
    return helped(
        parameter,
        tr(
            "The name of an installed model to train from, or the path of a model file (.safetensors)."
        ),
    )


def seed(name: str) -> QgsProcessingParameterDefinition:
    """The seed of the random numbers."""
    return advanced(
        whole_number(
            name,
            tr("Random seed"),
            0,
            0,
            2**31 - 1,
            tr(
                "On the processor, the same seed always gives the same result. Try other seeds to see how much "
                "results vary."
            ),
        )
    )


def model_title(name: str) -> QgsProcessingParameterDefinition:
    """The title of a new model."""
    return advanced(
        helped(
            QgsProcessingParameterString(name, tr("Name of the model"), None, False, True),
            tr("Leave empty to use the name of the file."),
        )
    )


def report_output(name: str) -> QgsProcessingParameterDefinition:
    """The HTML report, which QGIS lists in its Results Viewer."""
    return QgsProcessingParameterFileDestination(
        name, tr("Report"), tr("Web page (*.html)"), None, True
    )


def point_output(name: str, description: str) -> QgsProcessingParameterDefinition:
    """A GeoPackage of points to write."""
    return QgsProcessingParameterVectorDestination(
        name, description, QgsProcessing.SourceType.TypeVectorPoint
    )

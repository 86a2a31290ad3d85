"""Parameters that several algorithms share; each function returns a new definition."""

from __future__ import annotations

from collections.abc import Sequence

from qgis.core import (
    QgsProcessing,
    QgsProcessingParameterBand,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterEnum,
    QgsProcessingParameterExtent,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterDestination,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterString,
    QgsProcessingParameterVectorDestination,
)

from .. import settings
from ..choice_words import shown
from ..i18n import tr

DEVICES = ("auto", "cpu", "gpu")
MOST_THREADS = 1024
# Class paths instead of imports: only dialogs load them, so no widget code runs headless.
_GUI = "{}.gui".format(__package__.rpartition(".")[0])
MODEL_WIDGET = f"{_GUI}.model_widget.ModelWidgetWrapper"
CHOICE_WIDGET = f"{_GUI}.choice_widget.ChoiceWidgetWrapper"
CHECK_BOX = f"{_GUI}.check_box.CheckBoxWrapper"


def advanced(parameter: QgsProcessingParameterDefinition) -> QgsProcessingParameterDefinition:
    """Moves a parameter into the dialog's advanced section."""
    parameter.setFlags(
        parameter.flags() | QgsProcessingParameterDefinition.Flag.FlagAdvanced  # type: ignore[operator]
    )
    return parameter


def helped(
    parameter: QgsProcessingParameterDefinition, text: str
) -> QgsProcessingParameterDefinition:
    """Gives a parameter the text of its tooltip."""
    parameter.setHelp(text)
    return parameter


def decimals(
    parameter: QgsProcessingParameterDefinition, count: int
) -> QgsProcessingParameterDefinition:
    """Sets the number of decimals that the dialog shows; scripts may give more."""
    parameter.setMetadata({"widget_wrapper": {"decimals": count}})
    return parameter


def raster(name: str, description: str) -> QgsProcessingParameterDefinition:
    """A raster layer or file."""
    return QgsProcessingParameterRasterLayer(name, description)


def choice(
    name: str, description: str, options: Sequence[str], help_text: str, default: str = ""
) -> QgsProcessingParameterDefinition:
    """One of several words, by default the first; scripts give the word itself, dialogs show it translated."""
    parameter = QgsProcessingParameterEnum(
        name,
        description,
        list(options),
        defaultValue=default or options[0],
        usesStaticStrings=True,
    )
    if any(shown(word) != word for word in options):
        parameter.setMetadata({"widget_wrapper": {"class": CHOICE_WIDGET}})
    return helped(parameter, help_text)


def whole_number(
    name: str, description: str, default: int, low: int, high: int, help_text: str = ""
) -> QgsProcessingParameterDefinition:
    """An integer within limits."""
    return helped(
        QgsProcessingParameterNumber(
            name,
            description,
            QgsProcessingParameterNumber.Type.Integer,
            default,
            False,
            low,
            high,
        ),
        help_text,
    )


def fraction(
    name: str,
    description: str,
    default: float,
    low: float,
    high: float,
    digits: int,
    help_text: str = "",
) -> QgsProcessingParameterDefinition:
    """A decimal number within limits."""
    return helped(
        decimals(
            QgsProcessingParameterNumber(
                name,
                description,
                QgsProcessingParameterNumber.Type.Double,
                default,
                False,
                low,
                high,
            ),
            digits,
        ),
        help_text,
    )


def bands(name: str, description: str, parent: str) -> QgsProcessingParameterDefinition:
    """The raster's bands in the model's order; none to match them automatically."""
    return helped(
        QgsProcessingParameterBand(
            name,
            description,
            None,
            parentLayerParameterName=parent,
            optional=True,
            allowMultiple=True,
        ),
        tr(
            "Leave empty to match bands by name, description or wavelength. Otherwise choose one raster "
            "band for each band of the model, in the model's order."
        ),
    )


def model(
    name: str, task: str, default: str | None, optional: bool = False, estimates: bool = False
) -> QgsProcessingParameterDefinition:
    """The name of an installed model or the path of a model file; `estimates` adds a button to estimate the run."""
    parameter = QgsProcessingParameterString(name, tr("Model"), default, False, optional)
    parameter.setMetadata(
        {"widget_wrapper": {"class": MODEL_WIDGET, "task": task, "estimates": estimates}}
    )
    return helped(
        parameter, tr("The name of an installed model, or the path of a model file (.onnx).")
    )


def any_model(name: str) -> QgsProcessingParameterDefinition:
    """An installed model for any task, or a model file."""
    parameter = QgsProcessingParameterString(name, tr("Model"))
    parameter.setMetadata({"widget_wrapper": {"class": MODEL_WIDGET, "every": True}})
    return helped(
        parameter,
        tr("The name of an installed model, or the path of a model file (.onnx or .safetensors)."),
    )


def extent(name: str) -> QgsProcessingParameterDefinition:
    """The extent to which a run is limited."""
    return helped(
        QgsProcessingParameterExtent(name, tr("Limit to this extent"), optional=True),
        tr("Only this rectangle is processed. Leave empty for the whole raster."),
    )


def polygons(name: str, description: str) -> QgsProcessingParameterDefinition:
    """Polygons, with the option to use the selected features only."""
    return QgsProcessingParameterFeatureSource(
        name, description, [QgsProcessing.SourceType.TypeVectorPolygon], optional=True
    )


def device(name: str) -> QgsProcessingParameterDefinition:
    """The device to compute on; its default is in the user's settings."""
    chosen = settings.value("device")
    return advanced(
        choice(
            name,
            tr("Processing device"),
            DEVICES,
            tr(
                "auto uses the GPU if it passed its test, otherwise the processor. The log shows which one was used."
            ),
            chosen if chosen in DEVICES else DEVICES[0],
        )
    )


def overlap(name: str) -> QgsProcessingParameterDefinition:
    """The overlap of neighbouring windows in percent."""
    return advanced(
        helped(
            QgsProcessingParameterNumber(
                name,
                tr("Overlap between windows (percent)"),
                QgsProcessingParameterNumber.Type.Integer,
                25,
                False,
                0,
                75,
            ),
            tr("A larger overlap gives smoother transitions between windows, but takes longer."),
        )
    )


def min_area(name: str, description: str) -> QgsProcessingParameterDefinition:
    """The smallest area that is kept in the map."""
    return decimals(
        QgsProcessingParameterNumber(
            name, description, QgsProcessingParameterNumber.Type.Double, 0.0, False, 0.0
        ),
        1,
    )


def threads(name: str) -> QgsProcessingParameterDefinition:
    """The number of processor threads; its default is in the user's settings."""
    chosen = min(max(settings.value("threads"), 0), MOST_THREADS)
    return advanced(whole_number(name, tr("Processor threads (0 = all)"), chosen, 0, MOST_THREADS))


def quick_look(name: str) -> QgsProcessingParameterDefinition:
    """Whether a coarse map of the view is shown first; optional, as older graphical models do not have it."""
    parameter = QgsProcessingParameterBoolean(
        name, tr("First show a quick look at the current map view"), False, True
    )
    parameter.setMetadata({"widget_wrapper": {"class": CHECK_BOX}})
    return helped(
        parameter,
        tr(
            "A coarse map of the current view appears after a few seconds, while the full result is being computed. "
            "It is removed when the run ends."
        ),
    )


def cloud_optimised(name: str) -> QgsProcessingParameterDefinition:
    """Whether to write rasters as Cloud Optimized GeoTIFFs."""
    return advanced(
        QgsProcessingParameterBoolean(name, tr("Write Cloud Optimized GeoTIFFs"), False)
    )


def raster_output(
    name: str, description: str, optional: bool = False
) -> QgsProcessingParameterDefinition:
    """A GeoTIFF to write; if optional, it is off by default."""
    return QgsProcessingParameterRasterDestination(
        name, description, None, optional, createByDefault=not optional
    )


def polygon_output(
    name: str, description: str, optional: bool = False
) -> QgsProcessingParameterDefinition:
    """A GeoPackage of polygons to write; if optional, it is off by default."""
    return QgsProcessingParameterVectorDestination(
        name,
        description,
        QgsProcessing.SourceType.TypeVectorPolygon,
        None,
        optional,
        createByDefault=not optional,
    )


def table_output(name: str, description: str) -> QgsProcessingParameterDefinition:
    """A CSV table to write, off by default."""
    return QgsProcessingParameterFileDestination(
        name, description, tr("CSV table (*.csv)"), None, True, createByDefault=False
    )

"""spectralgpt:evaluate, accuracy assessment of a map."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputNumber,
)

from ..i18n import language, tr
from . import parameters as shared
from . import training_parameters as training
from .base import written
from .label_input import (
    LabelInput,
    label_choice,
    label_problem,
    picture_problem,
    read_labels,
)
from .raster_algorithm import RasterAlgorithm

DESIGNS = ("auto", "simple", "stratified")
AROUND = 2000.0  # m around the reference that are copied from layers that are not files


class EvaluateAlgorithm(RasterAlgorithm):
    """Compares a map, or a model's prediction for a raster, with a reference."""

    NAME = "evaluate"
    ICON = "evaluate"
    VERB = "evaluate"
    TASK = "segmentation"
    GROUP_ID = "accuracy"

    INPUT = "INPUT"
    REFERENCE = "REFERENCE"
    FIELD = "FIELD"
    SELECTED_ONLY = "SELECTED_ONLY"
    DESIGN = "DESIGN"
    CONFIDENCE = "CONFIDENCE"
    OUTPUT_REPORT = "OUTPUT_REPORT"
    OUTPUT_TABLE = "OUTPUT_TABLE"

    RASTERS = {INPUT: RasterAlgorithm.BANDS}

    def __init__(self) -> None:
        """Starts without a reference."""
        super().__init__()
        self._reference: LabelInput | None = None

    def displayName(self) -> str:  # noqa: N802
        """The name in the toolbox."""
        return tr("Evaluate map")

    def shortDescription(self) -> str:  # noqa: N802
        """The tooltip in the toolbox."""
        return tr(
            "Measures the accuracy of a map or a model, with confidence intervals, at places where the true class is "
            "known."
        )

    def tags(self) -> list[str]:
        """The keywords of the toolbox search."""
        return tr(
            "accuracy assessment,validation,confusion matrix,error matrix,kappa,F1,IoU,overall accuracy,user's "
            "accuracy,producer's accuracy,area estimation,Olofsson"
        ).split(",")

    def shortHelpString(self) -> str:  # noqa: N802
        """The help text in the dialog."""
        return tr(
            "<p>Compares a map with places whose true class you know. The result shows how much of "
            "the map is correct, which classes are confused, and how reliable these figures "
            "are.</p>"
            "<h3>What to collect first</h3>"
            "<p>Draw the points with 'Draw sample of a map' and fill in their field "
            "<i>reference</i>. Only such a random sample represents the whole map and gives areas "
            "corrected for the errors of the map. You can also use polygons that you chose "
            "yourself, but their figures apply only to these places. Never use the labels that the "
            "model was trained on.</p>"
            "<h3>Inputs</h3>"
            "<p><b>Map</b>: a class map; or, if you choose a <b>model</b>, the image to map with "
            "it.<br>"
            "<b>Reference</b>: points, polygons or a class raster, in any coordinate system.<br>"
            "<b>Field</b>: the true class, as the name or the value of the map's class.<br>"
            "<b>Design</b>: how the reference was drawn. <i>stratified</i> weights each class by "
            "its area in the map; <i>simple</i> gives all samples the same weight; <i>auto</i> "
            "uses stratified for a sample drawn with this plugin.<br>"
            "<b>Confidence level</b> of the intervals: at 95, nineteen out of twenty such "
            "intervals contain the true value.</p>"
            "<h3>Outputs</h3>"
            "<p><b>Report</b>: a page with all figures, to read or print.<br>"
            "<b>Table</b>: the confusion matrix; rows are true, columns mapped.<br>"
            "The main figures are also available as numbers in the Model Designer. Overall "
            "accuracy is misleading if one class covers most of the map: check each class in the "
            "report.</p>"
        )

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: N802
        """Declares parameters and outputs."""
        for parameter in (
            shared.raster(self.INPUT, tr("Class map, or the raster to map if a model is chosen")),
            training.labels(self.REFERENCE, tr("Reference: points, polygons or a class raster")),
            training.class_field(self.FIELD, self.REFERENCE),
            training.selected_only(self.SELECTED_ONLY),
            shared.model(self.MODEL, self.TASK, None, optional=True),
            shared.choice(
                self.DESIGN,
                tr("How the reference was drawn"),
                DESIGNS,
                tr("stratified: at random within each class of the map. simple: in any other way."),
            ),
            shared.whole_number(
                self.CONFIDENCE, tr("Confidence level of the intervals (percent)"), 95, 50, 99
            ),
            shared.advanced(
                shared.bands(
                    self.BANDS,
                    tr("If a model is chosen: bands in its order (empty = automatic)"),
                    self.INPUT,
                )
            ),
            shared.device(self.DEVICE),
            shared.threads(self.THREADS),
            training.report_output(self.OUTPUT_REPORT),
            shared.table_output(self.OUTPUT_TABLE, tr("Confusion matrix")),
        ):
            self.addParameter(parameter)
        for name, description in figures().items():
            self.addOutput(QgsProcessingOutputNumber(name, description))

    def problem(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:
        """Checks the reference, and the model if one was given."""
        reason = label_problem(*label_choice(self, self.REFERENCE, parameters, context))
        if reason:
            return reason
        if self.parameterAsString(parameters, self.MODEL, context).strip():
            return super().problem(parameters, context)
        return picture_problem(self.parameterAsRasterLayer(parameters, self.INPUT, context))

    def prepareAlgorithm(  # noqa: N802
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> bool:
        """Reads the layers here, in their own thread; `processAlgorithm` runs in another."""
        super().prepareAlgorithm(parameters, context, feedback)
        layer, field, selected = label_choice(self, self.REFERENCE, parameters, context)
        self._reference = read_labels(layer, parameters.get(self.REFERENCE), field, selected)
        return True

    def processAlgorithm(  # noqa: N802
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        """Reads the parameters, runs the engine, and returns the outputs."""
        outputs = {
            self.OUTPUT_REPORT: self.parameterAsFileOutput(parameters, self.OUTPUT_REPORT, context),
            self.OUTPUT_TABLE: self.parameterAsFileOutput(parameters, self.OUTPUT_TABLE, context),
        }
        reference = self._reference
        with self.workspace() as folder:
            # A map that is not a file is copied whole, as samples of points are weighted by the class areas.
            with_model = bool(self.parameterAsString(parameters, self.MODEL, context).strip())
            is_local = with_model and not reference.has_points
            job = self.raster_job(
                parameters,
                context,
                feedback,
                folder,
                around=reference.around(AROUND) if is_local else None,
            )
            for note in reference.notes:
                feedback.pushWarning(note)
            result = self.run_engine(
                {
                    **job,
                    "reference": reference.file(folder, context.transformContext(), feedback),
                    "field": reference.field,
                    "design": self.parameterAsEnumString(parameters, self.DESIGN, context),
                    "confidence": self.parameterAsInt(parameters, self.CONFIDENCE, context),
                    "output_report": outputs[self.OUTPUT_REPORT],
                    "language": language(),
                    "output_table": outputs[self.OUTPUT_TABLE],
                },
                feedback,
            )
        if not result:
            return {}
        return {**written(outputs), **_numbers(result.get("figures", {}))}


def figures() -> dict[str, str]:
    """The number outputs, which a graphical model can use, with their descriptions."""
    return {
        "OVERALL_ACCURACY": tr("Overall accuracy"),
        "OVERALL_LOW": tr("Overall accuracy, lower limit of the interval"),
        "OVERALL_HIGH": tr("Overall accuracy, upper limit of the interval"),
        "KAPPA": tr("Kappa"),
        "MIOU": tr("Mean intersection over union"),
        "MACRO_F1": tr("Mean F1 of the classes"),
        "SAMPLES": tr("Places compared"),
        "ADJUSTED_ACCURACY": tr("Overall accuracy, area-weighted"),
        "ADJUSTED_LOW": tr("Area-weighted accuracy, lower limit of the interval"),
        "ADJUSTED_HIGH": tr("Area-weighted accuracy, upper limit of the interval"),
    }


def _numbers(found: dict[str, Any]) -> dict[str, Any]:
    """The engine's figures as outputs; None for those that cannot be estimated."""
    adjusted = found.get("area_adjusted") or {}
    low, high = found.get("overall_accuracy_interval") or (None, None)
    adjusted_low, adjusted_high = adjusted.get("overall_accuracy_interval") or (None, None)
    return {
        "OVERALL_ACCURACY": found.get("overall_accuracy"),
        "OVERALL_LOW": low,
        "OVERALL_HIGH": high,
        "KAPPA": found.get("kappa"),
        "MIOU": found.get("miou"),
        "MACRO_F1": found.get("macro_f1"),
        "SAMPLES": found.get("samples"),
        "ADJUSTED_ACCURACY": adjusted.get("overall_accuracy"),
        "ADJUSTED_LOW": adjusted_low,
        "ADJUSTED_HIGH": adjusted_high,
    }

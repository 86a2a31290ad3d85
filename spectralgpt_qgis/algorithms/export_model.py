"""spectralgpt:exportmodel, exports a model for use in other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputNumber,
    QgsProcessingParameterEnum,
    QgsProcessingParameterFileDestination,
)

from .. import engine_access
from ..i18n import tr
from ..model_catalogue import installed_models, shared_unknown
from . import parameters as shared
from .base import EngineAlgorithm

ONNX, DEEPNESS, SAFETENSORS = FORMATS = ("onnx", "deepness", "safetensors")


class ExportModelAlgorithm(EngineAlgorithm):
    """Writes a model as plain ONNX, as ONNX for Deepness, or as weights to train from."""

    NAME = "exportmodel"
    ICON = "export"
    VERB = "export"
    GROUP_ID = "models"

    MODEL = "MODEL"
    FORMAT = "FORMAT"
    OUTPUT = "OUTPUT"
    DIFFERENCE = "DIFFERENCE"

    def displayName(self) -> str:  # noqa: N802
        """The name in the toolbox."""
        return tr("Export model")

    def shortDescription(self) -> str:  # noqa: N802
        """The tooltip in the toolbox."""
        return tr(
            "Writes a model as a file for use elsewhere: ONNX, ONNX for Deepness, or weights."
        )

    def tags(self) -> list[str]:
        """The keywords of the toolbox search."""
        return tr("model,export,share,ONNX,safetensors,Deepness,weights,convert").split(",")

    def shortHelpString(self) -> str:  # noqa: N802
        """The help text in the dialog."""
        return tr(
            "<p>Writes a model as one file for use elsewhere.</p>"
            "<h3>Formats</h3>"
            "<p><b>onnx</b>: for ONNX Runtime and for this plugin on another computer. The file "
            "carries the model's card: its bands with wavelengths, its scaling, its classes with "
            "colours, its accuracy and its licence. A model that only has weights is converted to "
            "a graph, which is compared with the original.<br>"
            "<b>deepness</b>: for the QGIS plugin Deepness. Values must be reflectance x 10000 and "
            "bands in the model's order; scene labels become maps with one class per window; for "
            "change detection, stack the bands of both dates. The result is compared with the "
            "model before it is saved.<br>"
            "<b>safetensors</b>: the weights, for further training; only for models that have "
            "them.</p>"
            "<p>To create a file for Deepness, or a graph from weights, the engine's training "
            "libraries are needed (SpectralGPT > Engine). Observe the licence of the model if you "
            "share it.</p>"
        )

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: N802
        """Declares parameters and outputs."""
        self.addParameter(shared.any_model(self.MODEL))
        self.addParameter(
            shared.helped(
                QgsProcessingParameterEnum(
                    self.FORMAT,
                    tr("Format"),
                    list(FORMATS),
                    defaultValue=ONNX,
                    usesStaticStrings=True,
                ),
                tr(
                    "onnx includes the model card; deepness is for the QGIS plugin Deepness; safetensors contains "
                    "weights for further training."
                ),
            )
        )
        self.addParameter(
            QgsProcessingParameterFileDestination(
                self.OUTPUT,
                tr("Exported model"),
                tr("ONNX model (*.onnx);;Model to train from (*.safetensors)"),
            )
        )
        self.addOutput(
            QgsProcessingOutputNumber(self.DIFFERENCE, tr("Largest difference in a probability"))
        )

    def problem(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:
        """Checks the model, and that the output's file extension fits the format."""
        name = self.parameterAsString(parameters, self.MODEL, context).strip()
        if not name:
            return tr("Choose a model: the name of an installed model, or a model file.")
        chosen = self.parameterAsEnumString(parameters, self.FORMAT, context)
        output = self.parameterAsFileOutput(parameters, self.OUTPUT, context)
        ending = ".safetensors" if chosen == SAFETENSORS else ".onnx"
        if output and Path(output).suffix.lower() != ending:
            return tr(
                "The format '{format}' needs a file that ends in {ending}, but the output is '{output}'. Change one "
                "of them."
            ).format(format=chosen, ending=ending, output=Path(output).name)
        if chosen == DEEPNESS:
            reason = engine_access.why_not_ready("training")
            if reason:
                return reason
        known = {item for model in installed_models() for item in (model.name, _file(model.path))}
        if name in known or Path(name).is_file() or shared_unknown():
            return ""
        return tr(
            "There is no model '{name}'. Choose one of these: {known}; or a model file."
        ).format(name=name, known=", ".join(sorted({model.name for model in installed_models()})))

    def processAlgorithm(  # noqa: N802
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        """Reads the parameters, runs the engine, and returns the outputs."""
        output = self.parameterAsFileOutput(parameters, self.OUTPUT, context)
        result = self.run_engine(
            {
                "model": self.parameterAsString(parameters, self.MODEL, context).strip(),
                "format": self.parameterAsEnumString(parameters, self.FORMAT, context),
                "output": output,
            },
            feedback,
        )
        if not result:
            return {}
        return {self.OUTPUT: output, self.DIFFERENCE: float(result.get("difference", 0.0))}


def _file(path: str) -> str:
    return Path(path).name

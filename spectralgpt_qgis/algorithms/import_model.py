"""spectralgpt:importmodel, adds a published checkpoint, or a model made with this plugin, to the installed models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputString,
    QgsProcessingParameterFile,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterString,
)

from .. import engine_access
from ..i18n import tr
from . import parameters as shared
from .base import EngineAlgorithm

OURS = (".onnx", ".safetensors")
KINDS = ("auto", "backbone", "segmentation", "change-detection")


class ImportModelAlgorithm(EngineAlgorithm):
    """Converts a published SpectralGPT checkpoint to the plugin's format; copies models in that format as they are."""

    NAME = "importmodel"
    ICON = "import"
    VERB = "import"
    GROUP_ID = "models"

    INPUT = "INPUT"
    KIND = "KIND"
    NAME_OF_MODEL = "NAME"
    OUTPUT_MODEL = "OUTPUT_MODEL"
    MODEL_NAME = "MODEL_NAME"
    MODEL_TASK = "MODEL_TASK"

    def displayName(self) -> str:  # noqa: N802
        """The name in the toolbox."""
        return tr("Import model")

    def shortDescription(self) -> str:  # noqa: N802
        """The tooltip in the toolbox."""
        return tr("Turns a published SpectralGPT checkpoint into a model for this plugin.")

    def tags(self) -> list[str]:
        """The keywords of the toolbox search."""
        return tr("model,checkpoint,weights,pth,ONNX,safetensors,SpectralGPT,import,convert").split(
            ","
        )

    def shortHelpString(self) -> str:  # noqa: N802
        """The help text in the dialog."""
        return tr(
            "<p>Converts a published SpectralGPT checkpoint (SpectralGPT.pth, SpectralGPT+.pth, or "
            "one fine-tuned for segmentation or change) into a model file for this plugin. Only "
            "the weights in the file are read: no code in it is executed, and files with any other "
            "content are rejected.</p>"
            "<p>A model made with this plugin on another computer (.onnx, .safetensors) is checked "
            "and copied.</p>"
            "<h3>Output</h3>"
            "<p><b>Model</b>: a .safetensors file for training, or an .onnx file for mapping. In "
            "the model folder of the plugin it appears in the list of models; in any other folder, "
            "specify its path as the model.</p>"
            "<p>To import a checkpoint, the engine's training libraries are needed (SpectralGPT > "
            "Engine).</p>"
        )

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: N802
        """Declares parameters and outputs."""
        self.addParameter(
            QgsProcessingParameterFile(
                self.INPUT,
                tr("Checkpoint"),
                fileFilter=tr(
                    "Checkpoints and models (*.pth *.pt *.ckpt *.onnx *.safetensors);;All files (*.*)"
                ),
            )
        )
        self.addParameter(
            shared.choice(
                self.KIND, tr("Content of the file"), KINDS, tr("auto detects it from the file.")
            )
        )
        self.addParameter(
            shared.helped(
                QgsProcessingParameterString(
                    self.NAME_OF_MODEL, tr("Name of the model"), optional=True
                ),
                tr("Leave empty to use the name of the file."),
            )
        )
        self.addParameter(
            QgsProcessingParameterFileDestination(
                self.OUTPUT_MODEL,
                tr("Model"),
                tr("Model to train from (*.safetensors);;Model for mapping (*.onnx)"),
            )
        )
        self.addOutput(QgsProcessingOutputString(self.MODEL_NAME, tr("Name of the model")))
        self.addOutput(QgsProcessingOutputString(self.MODEL_TASK, tr("Purpose of the model")))

    def problem(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:
        """Checks that the checkpoint exists."""
        given = self.parameterAsFile(parameters, self.INPUT, context)
        if not Path(given).is_file():
            return tr("There is no checkpoint '{}'. Choose the file that you downloaded.").format(
                given
            )
        ending = Path(given).suffix.lower()
        if ending not in OURS:
            return engine_access.why_not_ready("training")
        output = self.parameterAsFileOutput(parameters, self.OUTPUT_MODEL, context)
        if output and Path(output).suffix.lower() != ending:
            return tr(
                "A model is imported without conversion, so the output must end in {ending}, like '{given}'."
            ).format(ending=ending, given=Path(given).name)
        return ""

    def processAlgorithm(  # noqa: N802
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        """Reads the parameters, runs the engine, and returns the outputs."""
        output = self.parameterAsFileOutput(parameters, self.OUTPUT_MODEL, context)
        result = self.run_engine(
            {
                "input": self.parameterAsFile(parameters, self.INPUT, context),
                "output": output,
                "kind": self.parameterAsEnumString(parameters, self.KIND, context),
                "name": self.parameterAsString(parameters, self.NAME_OF_MODEL, context).strip(),
            },
            feedback,
        )
        if not result:
            return {}
        return {
            self.OUTPUT_MODEL: output,
            self.MODEL_NAME: str(result.get("model", {}).get("name", "")),
            self.MODEL_TASK: str(result.get("task", "")),
        }

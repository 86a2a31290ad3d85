"""spectralgpt:pretrain, self-supervised pretraining of a backbone on the user's unlabelled imagery."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterFile,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterString,
)

from ..i18n import tr
from ..model_catalogue import free_model_file
from . import parameters as shared
from . import training_parameters as training
from .base import written
from .training_algorithm import TrainingAlgorithm

LOSSES = ("token", "spectral-sum", "spectral-mean")
POSITIONS = ("interpolate", "drop")


class PretrainAlgorithm(TrainingAlgorithm):
    """Pretrains a backbone as a masked autoencoder, which learns to reconstruct hidden parts of images."""

    NAME = "pretrain"
    ICON = "pretrain"
    VERB = "pretrain"

    INPUTS = "INPUTS"
    FOLDER = "FOLDER"
    STAGES = "STAGES"
    MASK_RATIO = "MASK_RATIO"
    BATCH = "BATCH"
    STEPS = "STEPS"
    LOSS = "LOSS"
    POSITIONS = "POSITIONS"
    CHECKPOINT = "CHECKPOINT"
    OUTPUT_RECONSTRUCTION = "OUTPUT_RECONSTRUCTION"
    MODEL_NAME = "MODEL_NAME"
    FINAL_LOSS = "FINAL_LOSS"

    RASTER_LISTS = {INPUTS: ("inputs", TrainingAlgorithm.BANDS)}
    BASE_TASK = "backbone"
    SIZES = ("tiny", "small", "base", "large", "huge")

    def displayName(self) -> str:  # noqa: N802
        """The name in the toolbox."""
        return tr("Pretrain backbone")

    def shortDescription(self) -> str:  # noqa: N802
        """The tooltip in the toolbox."""
        return tr("Trains a backbone of your own from imagery alone, without labels.")

    def tags(self) -> list[str]:
        """The keywords of the toolbox search."""
        return tr(
            "pretraining,backbone,foundation model,self-supervised,masked autoencoder,MAE,unlabelled,imagery,"
            "deep learning,AI,SpectralGPT"
        ).split(",")

    def shortHelpString(self) -> str:  # noqa: N802
        """The help text in the dialog."""
        return tr(
            "<p>Trains a model from imagery alone: most of each image is masked, and the model "
            "learns to reconstruct it. The result is a backbone, from which 'Train model from "
            "labels' creates models for your classes. You do not need this for ordinary work, as "
            "the plugin includes a backbone. It is worthwhile if you have a lot of imagery of a "
            "kind that the included backbone was not trained on, and a GPU or plenty of time.</p>"
            "<h3>Inputs</h3>"
            "<p><b>Rasters</b> and <b>folder</b>: imagery of many places and dates, with few "
            "clouds. No labels are needed. Sizes, regions and pixel sizes may differ; no-data "
            "pixels are never used.<br>"
            "<b>Start from</b>: a backbone to continue training, which is quickest, or a network "
            "size to start from random weights: tiny and small for a processor, base and larger "
            "for GPUs.<br>"
            "<b>Stages</b>: small windows first, larger ones later. Each stage is WINDOW:EPOCHS, "
            "optionally followed by :LEARNING RATE, :MASKED SHARE and :PATTERN of the raster "
            "names. Separate stages by ;, for example 64:20:1e-3; 128:10:5e-4. If left empty, the "
            "stages depend on the amount of imagery.<br>"
            "<b>Masked share</b>: how much of each image is masked; SpectralGPT was trained with "
            "0.9.<br>"
            "<b>Folder to resume from</b>: progress is saved there. After an interruption, run the "
            "tool again with the same values to continue.</p>"
            "<h3>Outputs</h3>"
            "<p><b>Backbone</b>: in the suggested folder it is installed immediately.<br>"
            "<b>Report</b>: the loss curves, the data and the settings.<br>"
            "<b>Reconstruction</b>: a raster with a masked image, its reconstruction by the model, "
            "and the error. A good backbone reconstructs fields, roads and shorelines in the right "
            "places.</p>"
            "<p>Needs the engine's training libraries (SpectralGPT > Engine).</p>"
        )

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: N802
        """Declares parameters and outputs."""
        for parameter in (
            *self._imagery(),
            *self._course(),
            *self._machine(),
            *self._details(),
            *self._bands_and_name(),
            *self._results(),
        ):
            self.addParameter(parameter)
        self.addOutput(QgsProcessingOutputString(self.MODEL_NAME, tr("Name of the model")))
        self.addOutput(QgsProcessingOutputNumber(self.FINAL_LOSS, tr("Final loss")))

    def _imagery(self) -> tuple[QgsProcessingParameterDefinition, ...]:
        """The imagery to learn from."""
        return (
            training.rasters(self.INPUTS, tr("Rasters"), optional=True),
            shared.helped(
                QgsProcessingParameterFile(
                    self.FOLDER,
                    tr("Folder of rasters"),
                    QgsProcessingParameterFile.Behavior.Folder,
                    "",
                    None,
                    True,
                ),
                tr("All rasters in this folder are used, in addition to those chosen above."),
            ),
        )

    def _course(self) -> tuple[QgsProcessingParameterDefinition, ...]:
        """The base model, the stages and their length."""
        return (
            training.base_model(
                self.BASE,
                tr("Start from a backbone, or a network size"),
                self.BASE_TASK,
                self.SIZES,
            ),
            shared.helped(
                QgsProcessingParameterString(
                    self.STAGES, tr("Stages (empty = automatic)"), None, False, True
                ),
                tr("WINDOW:EPOCHS[:LEARNING RATE[:MASKED SHARE[:PATTERN]]], separated by ;"),
            ),
            shared.fraction(
                self.MASK_RATIO,
                tr("Masked share of each image (0.1 to 0.99)"),
                0.9,
                0.1,
                0.99,
                2,
            ),
            shared.whole_number(
                self.EPOCHS,
                tr("Epochs of every stage (0 = as specified in the stages)"),
                0,
                0,
                1000000,
            ),
        )

    def _machine(self) -> tuple[QgsProcessingParameterDefinition, ...]:
        """Device and random seed."""
        return (
            shared.device(self.DEVICE),
            training.seed(self.SEED),
        )

    def _details(self) -> tuple[QgsProcessingParameterDefinition, ...]:
        """Advanced settings for users who know pretraining."""
        return (
            shared.advanced(
                shared.whole_number(
                    self.BATCH, tr("Batch size (0 = depending on memory)"), 0, 0, 65536
                )
            ),
            shared.advanced(
                shared.whole_number(
                    self.STEPS,
                    tr("Steps per epoch (0 = depending on the amount of imagery)"),
                    0,
                    0,
                    10000000,
                )
            ),
            shared.advanced(
                shared.choice(
                    self.LOSS,
                    tr("Loss function"),
                    LOSSES,
                    tr(
                        "token was used for the published weights; the others also take the shape of the spectrum "
                        "into account."
                    ),
                )
            ),
            shared.advanced(
                shared.choice(
                    self.POSITIONS,
                    tr("Position embedding when the window size changes"),
                    POSITIONS,
                    tr(
                        "interpolate keeps what was learned; drop starts again, as in the published method."
                    ),
                )
            ),
            shared.advanced(
                shared.helped(
                    QgsProcessingParameterFile(
                        self.CHECKPOINT,
                        tr("Folder to resume from"),
                        QgsProcessingParameterFile.Behavior.Folder,
                        "",
                        None,
                        True,
                    ),
                    tr("Progress is saved there, and an interrupted run continues from it."),
                )
            ),
        )

    def _bands_and_name(self) -> tuple[QgsProcessingParameterDefinition, ...]:
        """Band numbers, title of the model, and number of threads."""
        return (
            training.band_numbers(self.BANDS, tr("Bands in the model's order (empty = automatic)")),
            training.model_title(self.NAME_OF_MODEL),
            shared.threads(self.THREADS),
        )

    def _results(self) -> tuple[QgsProcessingParameterDefinition, ...]:
        """The outputs."""
        return (
            QgsProcessingParameterFileDestination(
                self.OUTPUT_MODEL,
                tr("Backbone"),
                tr("Models to train from (*.safetensors)"),
                str(free_model_file("my_backbone", ".safetensors")),
            ),
            training.report_output(self.OUTPUT_REPORT),
            shared.raster_output(self.OUTPUT_RECONSTRUCTION, tr("Reconstruction"), optional=True),
        )

    def problem(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:
        """Checks that there is imagery, and the syntax of the stages."""
        folder = self.parameterAsFile(parameters, self.FOLDER, context)
        if folder and not Path(folder).is_dir():
            return tr("There is no folder '{}' with rasters. Choose another folder.").format(folder)
        if not folder and not self.parameterAsLayerList(parameters, self.INPUTS, context):
            return tr("No training data was specified. Choose rasters, or a folder of rasters.")
        for stage in self.parameterAsString(parameters, self.STAGES, context).split(";"):
            if stage.strip() and not _is_stage(stage.strip()):
                return tr(
                    "The stage '{stage}' is not valid. Write each stage as WINDOW:EPOCHS[:LEARNING RATE[:MASKED "
                    "SHARE[:PATTERN]]], such as 64:20:1e-3, separated by ;."
                ).format(stage=stage.strip())
        return super().problem(parameters, context)

    def processAlgorithm(  # noqa: N802
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        """Reads the parameters, runs the engine, and returns the outputs."""
        folder_of_rasters = self.parameterAsFile(parameters, self.FOLDER, context)
        with self.workspace() as folder:
            job = self.training_job(parameters, context, feedback, folder)
            if folder_of_rasters:
                job["inputs"] = [*job["inputs"], folder_of_rasters]
            job.update(
                stages=self.parameterAsString(parameters, self.STAGES, context).strip(),
                mask_ratio=self.parameterAsDouble(parameters, self.MASK_RATIO, context),
                batch=self.parameterAsInt(parameters, self.BATCH, context),
                steps=self.parameterAsInt(parameters, self.STEPS, context),
                loss=self.parameterAsEnumString(parameters, self.LOSS, context),
                positions=self.parameterAsEnumString(parameters, self.POSITIONS, context),
                checkpoint=self.parameterAsFile(parameters, self.CHECKPOINT, context),
                output_reconstruction=self.parameterAsOutputLayer(
                    parameters, self.OUTPUT_RECONSTRUCTION, context
                ),
            )
            result = self.run_engine(job, feedback)
        if not result:
            return {}
        self.tell_where(job["output_model"], tr("'Train model from labels'"), feedback)
        return {
            **written(
                {
                    self.OUTPUT_MODEL: job["output_model"],
                    self.OUTPUT_REPORT: job["output_report"],
                    self.OUTPUT_RECONSTRUCTION: job["output_reconstruction"],
                }
            ),
            self.MODEL_NAME: str(result.get("model", {}).get("name", "")),
            self.FINAL_LOSS: result.get("final_loss"),
        }


def _is_stage(text: str) -> bool:
    """Whether a stage has a window size and rounds, and all its numbers are valid and positive."""
    parts = [part.strip() for part in text.split(":", 4)]
    if len(parts) < 2 or not all(part.isdigit() and int(part) > 0 for part in parts[:2]):
        return False
    try:
        return all(float(part) > 0 for part in parts[2:4] if part)
    except ValueError:
        return False

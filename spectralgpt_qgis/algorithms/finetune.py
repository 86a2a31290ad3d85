"""spectralgpt:finetune, trains a model on the user's own labels, of which a few are enough."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsMapLayer,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterFileDestination,
    QgsRasterLayer,
)

from ..i18n import tr
from ..model_catalogue import free_model_file
from . import parameters as shared
from . import training_parameters as training
from .base import written
from .label_input import (
    LabelInput,
    label_choice,
    label_problem,
    read_labels,
    too_few_classes,
)
from .training_algorithm import TrainingAlgorithm

# The parameter's options -> task names of the engine.
TASKS = {
    "segmentation": "segmentation",
    "scenes": "scene-classification",
    "change": "change-detection",
}
METHODS = ("auto", "quick", "adapters", "full")
USES = ("anywhere", "here")
AROUND = 2000.0  # m around the labels that are copied from layers that are not files


class FinetuneAlgorithm(TrainingAlgorithm):
    """Fine-tunes a model on labelled ground."""

    NAME = "finetune"
    ICON = "finetune"
    VERB = "finetune"

    INPUT = "INPUT"
    LABELS = "LABELS"
    FIELD = "FIELD"
    SELECTED_ONLY = "SELECTED_ONLY"
    TASK = "TASK"
    AFTER = "AFTER"
    METHOD = "METHOD"
    USE = "USE"
    AFTER_BANDS = "AFTER_BANDS"
    VALIDATION = "VALIDATION"
    MULTILABEL = "MULTILABEL"
    MODEL_NAME = "MODEL_NAME"
    METHOD_USED = "METHOD_USED"
    CLASS_COUNT = "CLASS_COUNT"

    RASTER_LISTS = {
        INPUT: ("inputs", TrainingAlgorithm.BANDS),
        AFTER: ("after", AFTER_BANDS),
    }

    def __init__(self) -> None:
        """Starts without labels."""
        super().__init__()
        self._labels: LabelInput | None = None

    def displayName(self) -> str:  # noqa: N802
        """The name in the toolbox."""
        return tr("Train model from labels")

    def shortDescription(self) -> str:  # noqa: N802
        """The tooltip in the toolbox."""
        return tr("Trains a model of your own from a few polygons, points or a class raster.")

    def tags(self) -> list[str]:
        """The keywords of the toolbox search."""
        return tr(
            "train,fine-tune,finetune,learn,samples,ROI,polygons,labels,few-shot,classification,segmentation,"
            "change,random forest,deep learning,AI,foundation model,transfer learning"
        ).split(",")

    def shortHelpString(self) -> str:  # noqa: N802
        """The help text in the dialog."""
        return tr(
            "<p>Trains a model on your own classes, so that you can map them in other places. It "
            "starts from a backbone that was pretrained on multispectral imagery, so a few labels "
            "are enough.</p>"
            "<h3>What to draw first</h3>"
            "<p>Create a polygon layer with a field for the class. Draw three to ten small "
            "polygons of <b>every</b> class, in different places, each on an area that clearly "
            "belongs to this class. Include areas that are easily confused, and one class for "
            "'everything else'. Areas that you do not label are ignored; they do not count as "
            "background. If the polygons are spread out, the tool can also measure the accuracy on "
            "areas that the model has not seen.</p>"
            "<h3>Inputs</h3>"
            "<p><b>Rasters</b>: the images of the labelled areas. Several images can share one "
            "label layer.<br>"
            "<b>Labels</b>: polygons, points or a class raster, in any coordinate system. Unsaved "
            "edits are included. The model takes over the colours and names of the layer's "
            "classes.<br>"
            "<b>Field</b>: text or whole numbers, with one value for each class.<br>"
            "<b>Task</b>: <i>segmentation</i> assigns a class to every pixel; <i>scenes</i> "
            "assigns one label to a whole polygon; <i>change</i> compares the rasters with those "
            "of a second date, using labels for changed and unchanged areas.<br>"
            "<b>Method</b>: <i>quick</i> keeps the backbone unchanged and takes seconds; "
            "<i>adapters</i> changes a small part of its weights; <i>full</i> changes all of them "
            "and needs many labels and a GPU. <i>auto</i> decides by the number of labels and your "
            "computer, and explains why.<br>"
            "<b>Where the model will be used</b>: <i>anywhere</i> makes it robust to other dates, "
            "light and haze; <i>here</i> is slightly better on these rasters, but may fail on "
            "others.<br>"
            "<b>Epochs</b>: how many times the training passes through the labels; with 0, it "
            "stops automatically.</p>"
            "<h3>Outputs</h3>"
            "<p><b>Model</b>: in the suggested folder it is installed immediately, and the mapping "
            "tools list it by its name. A file for further training is written next to it.<br>"
            "<b>Report</b>: the accuracy on held-back labels for each class, and how to repeat the "
            "training.</p>"
            "<p>Needs the engine's training libraries (SpectralGPT > Engine).</p>"
        )

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: N802
        """Declares parameters and outputs."""
        for parameter in (
            *self._labelled_ground(),
            *self._learning(),
            *self._machine_and_bands(),
            *self._judging(),
            *self._results(),
        ):
            self.addParameter(parameter)
        self.addOutput(QgsProcessingOutputString(self.MODEL_NAME, tr("Name of the model")))
        self.addOutput(QgsProcessingOutputString(self.METHOD_USED, tr("Method used")))
        self.addOutput(QgsProcessingOutputNumber(self.CLASS_COUNT, tr("Classes")))

    def _labelled_ground(self) -> tuple[QgsProcessingParameterDefinition, ...]:
        """Imagery and labels to learn from, and the task of the model."""
        return (
            training.rasters(self.INPUT, tr("Rasters")),
            training.labels(self.LABELS, tr("Labels: polygons, points or a class raster")),
            training.class_field(self.FIELD, self.LABELS),
            training.selected_only(self.SELECTED_ONLY),
            shared.choice(
                self.TASK,
                tr("Task of the model"),
                tuple(TASKS),
                tr(
                    "A class for every pixel, a label for a whole polygon, or change between two dates."
                ),
            ),
            training.rasters(
                self.AFTER, tr("Rasters of the second date (for change only)"), optional=True
            ),
        )

    def _learning(self) -> tuple[QgsProcessingParameterDefinition, ...]:
        """Base model, method and length of the training."""
        return (
            training.base_model(self.BASE, tr("Model to start from")),
            shared.choice(
                self.METHOD,
                tr("Method"),
                METHODS,
                tr(
                    "auto decides by the number of labels and the computer. quick trains only a last layer and takes "
                    "seconds; adapters also trains a small part of the model; full trains all of it and takes "
                    "longest."
                ),
            ),
            shared.choice(
                self.USE,
                tr("Where the model will be used"),
                USES,
                tr(
                    "anywhere makes the model robust to other dates, light and haze. here is slightly better on "
                    "these rasters, but may fail on others."
                ),
            ),
            shared.whole_number(self.EPOCHS, tr("Epochs (0 = automatic)"), 0, 0, 10000),
        )

    def _machine_and_bands(self) -> tuple[QgsProcessingParameterDefinition, ...]:
        """Device, random seed and band numbers."""
        return (
            shared.device(self.DEVICE),
            training.seed(self.SEED),
            training.band_numbers(self.BANDS, tr("Bands in the model's order (empty = automatic)")),
            training.band_numbers(self.AFTER_BANDS, tr("Bands of the second date, if different")),
        )

    def _judging(self) -> tuple[QgsProcessingParameterDefinition, ...]:
        """The share of labels held back for validation, and whether scenes have several labels."""
        return (
            shared.advanced(
                shared.whole_number(
                    self.VALIDATION,
                    tr("Labels held back for validation (percent)"),
                    20,
                    0,
                    50,
                    tr(
                        "Whole groups of neighbouring labels are held back, so that accuracy is measured on areas "
                        "that the model has not seen. With 0, all labels are used for training, and the accuracy is "
                        "not measured."
                    ),
                )
            ),
            shared.advanced(
                shared.helped(
                    QgsProcessingParameterBoolean(
                        self.MULTILABEL, tr("A scene may have several labels"), False
                    ),
                    tr(
                        "For scenes: the field then contains several labels separated by ; or , or as a list."
                    ),
                )
            ),
        )

    def _results(self) -> tuple[QgsProcessingParameterDefinition, ...]:
        """Title of the model, number of threads, and the outputs."""
        return (
            training.model_title(self.NAME_OF_MODEL),
            shared.threads(self.THREADS),
            QgsProcessingParameterFileDestination(
                self.OUTPUT_MODEL,
                tr("Model"),
                tr("Models for mapping (*.onnx)"),
                str(free_model_file("my_model", ".onnx")),
            ),
            training.report_output(self.OUTPUT_REPORT),
        )

    def problem(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:
        """Checks that labels, task and rasters fit together."""
        layer, field, selected = label_choice(self, self.LABELS, parameters, context)
        task = self.parameterAsEnumString(parameters, self.TASK, context)
        several = self.parameterAsBool(parameters, self.MULTILABEL, context)
        before = self.parameterAsLayerList(parameters, self.INPUT, context)
        after = self.parameterAsLayerList(parameters, self.AFTER, context)
        return (
            label_problem(layer, field, selected)
            or self._wrong_dates(task, len(before), len(after))
            or self._wrong_labels(several, layer, task)
            or super().problem(parameters, context)
            or ("" if several else too_few_classes(layer, field, selected))
        )

    def _wrong_dates(self, task: str, before: int, after: int) -> str:
        if not before:
            return tr("No training data was specified. Choose the rasters with the labelled areas.")
        if task == "change" and not after:
            return tr(
                "Change detection needs two dates. Add the rasters of the second date (AFTER), one for each of the "
                "first, in the same order."
            )
        if task == "change" and before != after:
            return tr(
                "There are {before} rasters of the first date (INPUT) and {after} of the second (AFTER). Choose one "
                "of the second date for each of the first, in the same order."
            ).format(before=before, after=after)
        if task != "change" and after:
            return tr(
                "Rasters of a second date (AFTER) were specified, but the task is '{task}'. Choose the task "
                "'change', or leave the second date empty."
            ).format(task=task)
        return ""

    def _wrong_labels(self, several: bool, layer: QgsMapLayer | None, task: str) -> str:
        if several and task != "scenes":
            return tr(
                "Several labels (MULTILABEL) are only possible for whole scenes, but the task is '{}'. Untick this "
                "option, or choose the task 'scenes'."
            ).format(task)
        if task == "scenes" and isinstance(layer, QgsRasterLayer):
            return tr(
                "Scenes need polygons or points with one label each, but '{}' is a raster. Choose a vector layer, or "
                "the task 'segmentation'."
            ).format(layer.name())
        return ""

    def prepareAlgorithm(  # noqa: N802
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> bool:
        """Reads the layers here, in their own thread; `processAlgorithm` runs in another."""
        super().prepareAlgorithm(parameters, context, feedback)
        layer, field, selected = label_choice(self, self.LABELS, parameters, context)
        self._labels = read_labels(layer, parameters.get(self.LABELS), field, selected)
        return True

    def processAlgorithm(  # noqa: N802
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        """Reads the parameters, runs the engine, and returns the outputs."""
        labels = self._labels
        for note in labels.notes:
            feedback.pushWarning(note)
        with self.workspace() as folder:
            job = {
                **self.training_job(parameters, context, feedback, folder, labels.around(AROUND)),
                "labels": labels.file(folder, context.transformContext(), feedback),
                "field": labels.field,
                "task": TASKS[self.parameterAsEnumString(parameters, self.TASK, context)],
                "method": self.parameterAsEnumString(parameters, self.METHOD, context),
                "use": self.parameterAsEnumString(parameters, self.USE, context),
                "multilabel": self.parameterAsBool(parameters, self.MULTILABEL, context),
                "classes": labels.classes,
                "validation": self.parameterAsInt(parameters, self.VALIDATION, context),
            }
            result = self.run_engine(job, feedback)
        if not result:
            return {}
        tools = {
            "segmentation": tr("'Land-cover map'"),
            "scene-classification": tr("'Label scenes'"),
            "change-detection": tr("'Detect change'"),
        }
        self.tell_where(job["output_model"], tools[job["task"]], feedback)
        return {
            **written(
                {
                    self.OUTPUT_MODEL: job["output_model"],
                    self.OUTPUT_REPORT: job["output_report"],
                }
            ),
            self.MODEL_NAME: str(result.get("model", {}).get("name", "")),
            self.METHOD_USED: str(result.get("method", "")),
            self.CLASS_COUNT: len(result.get("classes", ())),
        }

"""Base of the algorithms that train models: their rasters, base model and model file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsRectangle,
)

from .. import engine_access
from ..i18n import language, tr
from ..model_catalogue import InstalledModel, installed_models, models_to_train, shared_unknown
from . import parameters as shared
from .band_choice import band_list, wrong_band_count, wrong_picture
from .base import EngineAlgorithm
from .raster_input import RasterFiles, RasterInput, read_raster

Area = tuple[QgsRectangle, QgsCoordinateReferenceSystem]


class TrainingAlgorithm(EngineAlgorithm):
    """Trains a model on rasters; subclasses set the verb and add further inputs."""

    TIER = "training"
    GROUP_ID = "training"

    BASE = "BASE"
    BANDS = "BANDS"
    EPOCHS = "EPOCHS"
    DEVICE = "DEVICE"
    SEED = "SEED"
    THREADS = "THREADS"
    NAME_OF_MODEL = "NAME"
    OUTPUT_MODEL = "OUTPUT_MODEL"
    OUTPUT_REPORT = "OUTPUT_REPORT"

    # Parameter with several rasters -> the field of the job, and the parameter with their bands.
    RASTER_LISTS: dict[str, tuple[str, str]] = {}
    # Task of the models that BASE accepts; empty for any model that can be trained.
    BASE_TASK = ""
    # Words that BASE accepts besides names of models.
    SIZES: tuple[str, ...] = ()

    def __init__(self) -> None:
        """Starts without rasters."""
        super().__init__()
        self._raster_lists: dict[str, list[RasterInput]] = {}

    # -- checks ----------------------------------------------------------------------------------

    def problem(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:
        """Checks the base model, and the bands that were chosen for it."""
        name = self.parameterAsString(parameters, self.BASE, context).strip()
        reason = self._wrong_base(name)
        if reason:
            return reason
        base = self._installed_base(name)
        for name, (_, band_name) in self.RASTER_LISTS.items():
            chosen = band_list(parameters.get(band_name))
            if chosen is None:
                return tr(
                    "'{value}' ({parameter}) is not a list of band numbers. Enter whole numbers starting from 1, "
                    "such as 2,3,4,8, or leave it empty to match bands automatically."
                ).format(value=parameters.get(band_name), parameter=band_name)
            if chosen and base is not None and len(chosen) != len(base.bands):
                return wrong_band_count(base, len(chosen), band_name)
            reason = wrong_picture(base, self.parameterAsLayerList(parameters, name, context))
            if reason:
                return reason
        return ""

    def _wrong_base(self, name: str) -> str:
        if not name:
            return tr(
                "Choose a model to start from: the name of an installed model, or a model file."
            )
        if name in self.SIZES or engine_access.why_not_ready(self.TIER):
            return ""  # no model is known without an engine; the run itself says what is missing
        fitting = ", ".join([*(item.name for item in models_to_train(self.BASE_TASK)), *self.SIZES])
        fitting = fitting or tr("none")
        if self._installed_base(name) is not None:
            return ""
        if shared_unknown() and not Path(name).is_absolute():
            return ""  # it may be in a shared folder, which only the engine looks into
        if "/" in name or "\\" in name or Path(name).suffix:
            is_file = Path(name).is_file()
            if is_file and Path(name).suffix.lower() == ".safetensors":
                return ""
            if not is_file and not any(Path(item.path).name == name for item in installed_models()):
                return tr(
                    "There is no model file '{name}'. Choose another file, or one of these: {fitting}."
                ).format(name=name, fitting=fitting)
            return tr(
                "'{name}' cannot be used for training, which needs a file that ends in .safetensors. Choose one of "
                "these: {fitting}; or import a published checkpoint with 'Import model'."
            ).format(name=name, fitting=fitting)
        return tr(
            "There is no installed model '{name}' to start from. Choose one of these: {fitting}; or specify the path "
            "of a .safetensors file."
        ).format(name=name, fitting=fitting)

    def _installed_base(self, name: str) -> InstalledModel | None:
        return next(
            (
                model
                for model in models_to_train(self.BASE_TASK)
                if name in (model.name, Path(model.path).name)
            ),
            None,
        )

    # -- inputs ----------------------------------------------------------------------------------

    def prepareAlgorithm(  # noqa: N802
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> bool:
        """Reads the layers here, in their own thread; `processAlgorithm` runs in another."""
        super().prepareAlgorithm(parameters, context, feedback)
        for name in self.RASTER_LISTS:
            layers = self.parameterAsLayerList(parameters, name, context)
            for layer in layers:
                if not layer.isValid():
                    raise QgsProcessingException(self.invalidRasterError(parameters, name))
            self._raster_lists[name] = [read_raster(layer) for layer in layers]
        return True

    def training_job(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
        folder: Path,
        area: Area | None = None,
    ) -> dict[str, Any]:
        """The fields that all training jobs share.

        Args:
            parameters: Parameters of the run.
            context: Context of the run.
            feedback: Gets notes about the rasters.
            folder: Folder for temporary files.
            area: Area, with its CRS, to copy from layers that are not files; None to copy them whole.
        """
        report = self.parameterAsFileOutput(parameters, self.OUTPUT_REPORT, context)
        job: dict[str, Any] = {
            "base": self._base(parameters, context),
            "epochs": self.parameterAsInt(parameters, self.EPOCHS, context),
            "seed": self.parameterAsInt(parameters, self.SEED, context),
            "name": self.parameterAsString(parameters, self.NAME_OF_MODEL, context).strip(),
            "device": self.parameterAsEnumString(parameters, self.DEVICE, context)
            or shared.DEVICES[0],
            "threads": self.parameterAsInt(parameters, self.THREADS, context),
            "output_model": self.model_file(parameters, context),
            "output_report": report,
            "language": language(),
        }
        pixel = self.pixel_metres(parameters, context)
        files = RasterFiles(folder, area, pixel, context.transformContext(), feedback)
        for name, rasters in self._raster_lists.items():
            field, band_name = self.RASTER_LISTS[name]
            job[field] = [files.add(item, f"{name}-{k}") for k, item in enumerate(rasters)]
            chosen = band_list(parameters.get(band_name))
            if chosen:
                job[band_name.lower()] = chosen
        return {**job, **files.fields()}

    def _base(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:
        """The base model for the engine: a file name where a prediction model of the same name may exist too."""
        name = self.parameterAsString(parameters, self.BASE, context).strip()
        found = self._installed_base(name)
        return Path(found.path).name if found is not None and found.task != "backbone" else name

    def pixel_metres(self, parameters: dict[str, Any], context: QgsProcessingContext) -> float:
        """Ground sample distance of the base model in metres."""
        name = self.parameterAsString(parameters, self.BASE, context).strip()
        found = self._installed_base(name)
        return found.pixel_metres if found is not None else 10.0

    # -- results ---------------------------------------------------------------------------------

    def model_file(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:
        """Path of the new model; makes the folder of the user's models if it does not exist yet."""
        path = self.parameterAsFileOutput(self.plain(parameters), self.OUTPUT_MODEL, context)
        if Path(path).parent == engine_access.models_folder():
            reason = engine_access.why_no_models_folder()
            if reason:
                raise QgsProcessingException(reason)
        return path

    def tell_where(self, path: str, tools: str, feedback: QgsProcessingFeedback) -> None:
        """Tells the user how to use the new model.

        Args:
            path: Path of the model.
            tools: Names of the tools that accept it.
            feedback: Takes the text.
        """
        name = Path(path).stem
        if Path(path).parent == engine_access.models_folder():
            feedback.pushInfo(
                tr(
                    "The model '{name}' is now installed. Choose it by this name in {tools}."
                ).format(name=name, tools=tools)
            )
        else:
            feedback.pushInfo(
                tr("Choose the file {path} as the model in {tools}.").format(path=path, tools=tools)
            )

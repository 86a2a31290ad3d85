"""Base of the algorithms that apply a model to rasters: their shared inputs, checks and number outputs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
    QgsProperty,
    QgsRectangle,
)

from .. import engine_access
from ..i18n import tr, translated
from ..installed_model import SHIPPED
from ..model_catalogue import InstalledModel, model_named, models_for, shared_unknown
from ..quick_look_layer import QuickLookLayer, quick_look_layer
from ..raster_source import crs_text
from . import parameters as shared
from .band_choice import band_list, wrong_band_count, wrong_picture
from .base import EngineAlgorithm
from .raster_input import RasterFiles, RasterInput, read_raster
from .vector_input import file_stem, write_features

if TYPE_CHECKING:
    from ..styling import ClassStyle


class RasterAlgorithm(EngineAlgorithm):
    """Applies a model to one or more rasters; subclasses set the verb, the task and the outputs."""

    TASK = ""

    BANDS = "BANDS"
    MODEL = "MODEL"
    EXTENT = "EXTENT"
    MASK = "MASK"
    DEVICE = "DEVICE"
    THREADS = "THREADS"

    WINDOWS_RUN = "WINDOWS_RUN"
    WINDOWS_SKIPPED = "WINDOWS_SKIPPED"
    CLASS_COUNT = "CLASS_COUNT"
    DEVICE_USED = "DEVICE_USED"

    QUICK_LOOK = "QUICK_LOOK"  # only for algorithms that make a map

    REMEMBERED = (MODEL, "OVERLAP", QUICK_LOOK)

    # Classes that are transparent in the map.
    HIDDEN: tuple[int, ...] = ()

    # Raster parameter -> its band parameter.
    RASTERS: dict[str, str] = {}

    def __init__(self) -> None:
        """Starts without rasters."""
        super().__init__()
        self._rasters: dict[str, RasterInput] = {}
        self._look: QuickLookLayer | None = None
        self._words: Callable[[str], str] = str

    def add_run_outputs(self) -> None:
        """Declares the numbers that every run returns."""
        self.addOutput(QgsProcessingOutputNumber(self.WINDOWS_RUN, tr("Windows computed")))
        self.addOutput(QgsProcessingOutputNumber(self.WINDOWS_SKIPPED, tr("Windows skipped")))
        self.addOutput(QgsProcessingOutputNumber(self.CLASS_COUNT, tr("Classes found")))
        self.addOutput(QgsProcessingOutputString(self.DEVICE_USED, tr("Device used")))

    def run_outputs(self, result: dict[str, Any], classes_found: int) -> dict[str, Any]:
        """The values of `add_run_outputs`.

        Args:
            result: The engine's result.
            classes_found: Number of classes that occur in the output.
        """
        windows = result.get("windows", {})
        return {
            self.WINDOWS_RUN: windows.get("run", 0),
            self.WINDOWS_SKIPPED: windows.get("skipped", 0),
            self.CLASS_COUNT: classes_found,
            self.DEVICE_USED: str(result.get("device", "")),
        }

    def class_styles(self, result: dict[str, Any]) -> tuple[ClassStyle, ...]:
        """Styles of a result's classes; those of models that ship with the plugin are named in the user's language."""
        from ..styling import class_styles  # not at the start of QGIS

        return class_styles(result["classes"], self._words)

    def subject(self) -> str:
        """The names of the rasters."""
        return ", ".join(raster.name for raster in self._rasters.values())

    # -- checks ----------------------------------------------------------------------------------

    def problem(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:
        """Checks the model and the bands that were chosen for it."""
        name = self.parameterAsString(parameters, self.MODEL, context).strip()
        reason = self._wrong_model(name)
        if reason:
            return reason
        rasters = [self.parameterAsRasterLayer(parameters, item, context) for item in self.RASTERS]
        model = model_named(name, self.TASK)
        if model is None:  # a model file, whose card the engine reads
            return ""
        for band_name in self.RASTERS.values():
            chosen = self.chosen_bands(parameters, band_name, context)
            if chosen and len(chosen) != len(model.bands):
                return wrong_band_count(model, len(chosen), band_name)
        return wrong_picture(model, rasters)

    def chosen_bands(
        self, parameters: dict[str, Any], name: str, context: QgsProcessingContext
    ) -> list[int]:
        """Band numbers of a parameter; QGIS itself does not parse "2,3,4", as people write it in a shell."""
        value = parameters.get(name)
        numbers = band_list(value) if isinstance(value, str) else None
        return self.parameterAsInts(parameters, name, context) if numbers is None else numbers

    def _wrong_model(self, name: str) -> str:
        if not name:
            return tr("Choose a model: the name of an installed model, or a model file (.onnx).")
        if engine_access.why_not_ready():
            return ""  # no model is known without an engine; the run itself says what is missing
        fitting = ", ".join(model.name for model in models_for(self.TASK)) or tr("none")
        if "/" in name or "\\" in name or Path(name).suffix:
            path = Path(name)
            if path.is_file() and path.suffix.lower() == ".onnx":
                return ""
            if path.suffix.lower() == ".safetensors":
                return tr(
                    "'{}' is a model for training. Choose its .onnx file, which makes predictions."
                ).format(name)
            if path.is_file():
                return tr(
                    "'{}' is not a model file: its name must end in .onnx. Import other formats with 'Import model'."
                ).format(name)
            return tr(
                "There is no model file '{name}'. Choose another file, or an installed model: {fitting}."
            ).format(name=name, fitting=fitting)
        if model_named(name, self.TASK) is not None:
            return ""
        other = model_named(name)
        if other is not None:
            return tr(
                "The model '{name}' is for {task}. Choose a model for this tool: {fitting}."
            ).format(name=name, task=task_words(other.task), fitting=fitting)
        if shared_unknown():
            return ""  # it may be in a shared folder, which only the engine looks into
        return tr(
            "There is no installed model '{name}'. Choose one of these: {fitting}; or specify the path of a model "
            "file."
        ).format(name=name, fitting=fitting)

    # -- inputs ----------------------------------------------------------------------------------

    def prepareAlgorithm(  # noqa: N802
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> bool:
        """Reads the layers here, in their own thread; `processAlgorithm` runs in another."""
        super().prepareAlgorithm(parameters, context, feedback)
        for name in self.RASTERS:
            layer = self.parameterAsRasterLayer(parameters, name, context)
            if layer is None or not layer.isValid():
                raise QgsProcessingException(self.invalidRasterError(parameters, name))
            self._rasters[name] = read_raster(layer)
        model = model_named(self.parameterAsString(parameters, self.MODEL, context), self.TASK)
        if model is not None and model.origin == SHIPPED:
            self._words = translated
        self._choices = {
            name: parameters[name]
            for name in self.REMEMBERED
            if isinstance(parameters.get(name), (str, int, float))
        }
        if self.parameterDefinition(self.QUICK_LOOK) is not None:
            self._prepare_look(self.parameterAsBool(parameters, self.QUICK_LOOK, context), feedback)
        return True

    def _prepare_look(self, wanted: bool, feedback: QgsProcessingFeedback) -> None:
        """Reads the extent of the map canvas here, as this runs in the main thread."""
        if wanted and not getattr(feedback, "is_dry", False):
            self._look = quick_look_layer(self.subject(), self.HIDDEN, self._words)
            if self._look is None:
                feedback.pushInfo(tr("No quick look: there is no map view to show it in."))

    def told(self, facts: dict[str, Any]) -> None:
        """Shows the quick look as soon as the engine has written it."""
        if self._look is not None:
            self._look.told(facts)

    def ended(self) -> None:
        """Removes the quick look, which the result replaces."""
        if self._look is not None:
            self._look.end()
            self._look = None

    def raster_job(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
        folder: Path,
        around: tuple[QgsRectangle, QgsCoordinateReferenceSystem] | None = None,
    ) -> dict[str, Any]:
        """The fields of the job that describe model, rasters, area and device.

        Args:
            parameters: Parameters of the run.
            context: Context of the run.
            feedback: Gets notes about the rasters.
            folder: Folder for temporary files.
            around: Area, with its CRS, to copy from layers that are not files, where the user gave no extent.
        """
        model = self.parameterAsString(parameters, self.MODEL, context).strip()
        area = self._area(parameters, context)
        job: dict[str, Any] = {
            "model": model,
            "device": shared.DEVICES[0],
            "threads": self.parameterAsInt(parameters, self.THREADS, context),
        }
        device = self.parameterAsEnumString(parameters, self.DEVICE, context)
        if device:
            job["device"] = device
        if area is not None:
            job.update(_extent_fields(*area))
        mask = self.polygon_file(parameters, self.MASK, context, feedback, folder)
        if mask:
            job["mask"] = mask
        pixel = self._pixel_metres(model)
        files = RasterFiles(folder, area or around, pixel, context.transformContext(), feedback)
        for name, raster in self._rasters.items():
            job[name.lower()] = files.add(raster, name)
            bands = self.chosen_bands(parameters, self.RASTERS[name], context)
            if bands:
                job[self.RASTERS[name].lower()] = bands
        job.update(files.fields())
        if self._look is not None:
            job.update(self._look.fields())
        return job

    def polygon_file(
        self,
        parameters: dict[str, Any],
        name: str,
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
        folder: Path,
    ) -> str:
        """Writes the polygons of a feature source parameter to a file; returns its path, empty if none were given."""
        if not parameters.get(name):
            return ""
        source = self.parameterAsSource(parameters, name, context)
        if source is None:
            raise QgsProcessingException(self.invalidSourceError(parameters, name))
        inside = folder / name.lower()  # zones and mask may be the same layer
        inside.mkdir()
        target = inside / f"{file_stem(source.sourceName()) or name.lower()}.gpkg"
        return write_features(source, target, context.transformContext(), feedback)

    def _area(
        self, parameters: dict[str, Any], context: QgsProcessingContext
    ) -> tuple[QgsRectangle, QgsCoordinateReferenceSystem] | None:
        given = parameters.get(self.EXTENT)
        if not given:
            return None
        rectangle = self.parameterAsExtent(parameters, self.EXTENT, context)
        # An expression may yield no extent. Four zeros, which QGIS before 3.34 also calls null, are an empty extent.
        if rectangle.isNull() and isinstance(given, QgsProperty):
            return None
        if rectangle.isEmpty():
            raise QgsProcessingException(
                tr(
                    "The extent is empty: its width or height is 0. Draw it again, or leave it empty to use the whole "
                    "raster."
                )
            )
        crs = self.parameterAsExtentCrs(parameters, self.EXTENT, context)
        if not crs.isValid():
            crs = next(iter(self._rasters.values())).layer_crs
        return rectangle, crs

    def _pixel_metres(self, model: str) -> float:
        found: InstalledModel | None = model_named(model, self.TASK)
        return found.pixel_metres if found is not None else 10.0


def _extent_fields(rectangle: QgsRectangle, crs: QgsCoordinateReferenceSystem) -> dict[str, Any]:
    """The fields of a job that limit it to a part of the raster."""
    sides = (rectangle.xMinimum(), rectangle.yMinimum(), rectangle.xMaximum(), rectangle.yMaximum())
    return {"extent": list(sides), "extent_crs": crs_text(crs)}


def task_words(task: str) -> str:
    """The name of a model's task as shown to users."""
    return {
        "segmentation": tr("land-cover maps"),
        "scene-classification": tr("scene classification"),
        "change-detection": tr("change detection"),
        "backbone": tr("fine-tuning"),
    }.get(task, task)

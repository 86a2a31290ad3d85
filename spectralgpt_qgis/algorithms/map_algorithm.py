"""Base of the algorithms that make a map: a class raster, a second raster, polygons and a table of areas."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsProcessingContext, QgsProcessingFeedback

from .raster_algorithm import RasterAlgorithm


class MapAlgorithm(RasterAlgorithm):
    """Makes a map; subclasses name the second raster, such as the confidence."""

    OVERLAP = "OVERLAP"
    MIN_AREA = "MIN_AREA"
    COG = "COG"
    OUTPUT = "OUTPUT"
    OUTPUT_VECTOR = "OUTPUT_VECTOR"
    AREAS = "AREAS"

    # Parameter of the second raster; in lower case it is the field of the job.
    BESIDE = ""

    def map_outputs(
        self, parameters: dict[str, Any], context: QgsProcessingContext
    ) -> dict[str, str]:
        """Maps the parameter of every output to its path; empty for outputs that were not requested."""
        layers = (self.OUTPUT, self.BESIDE, self.OUTPUT_VECTOR)
        outputs = {name: self.parameterAsOutputLayer(parameters, name, context) for name in layers}
        outputs[self.AREAS] = self.parameterAsFileOutput(parameters, self.AREAS, context)
        return outputs

    def make_map(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
        outputs: dict[str, str],
        **fields: Any,
    ) -> dict[str, Any]:
        """Runs the job that makes the map.

        Args:
            parameters: Parameters of the run.
            context: Context of the run.
            feedback: Gets progress, log and warnings, and says when to stop.
            outputs: Paths from `map_outputs`.
            **fields: Further fields of the job.

        Returns:
            The engine's result; empty if the user cancelled.
        """
        with self.workspace() as folder:
            job = {
                **self.raster_job(parameters, context, feedback, folder),
                **{name.lower(): path for name, path in outputs.items()},
                "overlap": self.parameterAsInt(parameters, self.OVERLAP, context),
                "min_area": self.parameterAsDouble(parameters, self.MIN_AREA, context),
                "cog": self.parameterAsBool(parameters, self.COG, context),
                **fields,
            }
            return self.run_engine(job, feedback)

"""spectralgpt:classify, scene classification of the cells of a grid or of given polygons."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputNumber,
    QgsProcessingParameterDistance,
)

from ..i18n import tr
from . import parameters as shared
from .raster_algorithm import RasterAlgorithm


class ClassifyAlgorithm(RasterAlgorithm):
    """Classifies the cells of a grid, or given polygons, as scenes."""

    NAME = "classify"
    ICON = "classify"
    VERB = "classify"
    TASK = "scene-classification"

    INPUT = "INPUT"
    ZONES = "ZONES"
    CELL_SIZE = "CELL_SIZE"
    OUTPUT = "OUTPUT"
    SCENE_COUNT = "SCENE_COUNT"

    RASTERS = {INPUT: RasterAlgorithm.BANDS}

    def displayName(self) -> str:  # noqa: N802
        """The name in the toolbox."""
        return tr("Label scenes")

    def shortDescription(self) -> str:  # noqa: N802
        """The tooltip in the toolbox."""
        return tr(
            "Labels grid cells or your own polygons with the kind of scene that a raster shows there."
        )

    def tags(self) -> list[str]:
        """The keywords of the toolbox search."""
        return tr(
            "scene classification,labels,tiles,patches,grid,zones,parcels,polygons,multi-label,deep learning,AI,"
            "EuroSAT,Sentinel-2"
        ).split(",")

    def shortHelpString(self) -> str:  # noqa: N802
        """The help text in the dialog."""
        return tr(
            "<p>Determines what kind of scene each place shows, such as a residential area, a "
            "highway or annual crops. Each cell or polygon gets one label as a whole; to classify "
            "individual pixels, use 'Land-cover map'.</p>"
            "<h3>Inputs</h3>"
            "<p><b>Raster</b>: a multispectral image, with all bands in one layer.<br>"
            "<b>Zones</b>: polygons to label, such as parcels. Without zones, a grid is laid over "
            "the raster.<br>"
            "<b>Cell size</b>: the side of a grid cell in map units; 0 uses the size that the "
            "model was trained on, which is usually best.<br>"
            "<b>Bands</b>: leave empty to match them by name or wavelength.</p>"
            "<h3>Output</h3>"
            "<p><b>Labelled scenes</b>: polygons with the label (class_name), its confidence in "
            "percent, and the probability of every class (prob_...), so that you can filter out "
            "uncertain ones. Below about 60, the second-best label was close. A multi-label model "
            "assigns every label above its threshold; the colour is that of the most probable "
            "one.</p>"
        )

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: N802
        """Declares parameters and outputs."""
        cell_size = QgsProcessingParameterDistance(
            self.CELL_SIZE, tr("Cell size (0 = the model's own size)"), 0.0, self.INPUT, False, 0.0
        )
        for parameter in (
            shared.raster(self.INPUT, tr("Raster")),
            shared.model(self.MODEL, self.TASK, "scenes", estimates=True),
            shared.bands(
                self.BANDS, tr("Bands in the model's order (empty = automatic)"), self.INPUT
            ),
            shared.polygons(self.ZONES, tr("Zones to label (instead of a grid)")),
            cell_size,
            shared.extent(self.EXTENT),
            shared.advanced(shared.polygons(self.MASK, tr("Limit to these polygons (mask)"))),
            shared.device(self.DEVICE),
            shared.threads(self.THREADS),
            shared.polygon_output(self.OUTPUT, tr("Labelled scenes")),
        ):
            self.addParameter(parameter)
        self.add_run_outputs()
        self.addOutput(QgsProcessingOutputNumber(self.SCENE_COUNT, tr("Scenes labelled")))

    def processAlgorithm(  # noqa: N802
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        """Reads the parameters, runs the engine, and returns the outputs."""
        output = self.parameterAsOutputLayer(parameters, self.OUTPUT, context)
        with self.workspace() as folder:
            result = self.run_engine(
                {
                    **self.raster_job(parameters, context, feedback, folder),
                    "zones": self.polygon_file(parameters, self.ZONES, context, feedback, folder),
                    "cell_size": self.parameterAsDouble(parameters, self.CELL_SIZE, context),
                    "output": output,
                },
                feedback,
            )
        if not result:
            return {}
        from ..styling import PolygonStyle  # not at the start of QGIS

        self.keep_style(output, PolygonStyle(self.class_styles(result), some_without=True))
        found = [item for item in result.get("areas", []) if item["features"]]
        return {
            self.OUTPUT: output,
            **self.run_outputs(result, classes_found=len(found)),
            self.SCENE_COUNT: result.get("features", {}).get("labelled", 0),
        }

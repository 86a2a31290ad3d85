"""spectralgpt:segment, semantic segmentation of a raster into a class map."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsProcessingContext, QgsProcessingFeedback, QgsProcessingOutputNumber

from ..i18n import tr
from . import parameters as shared
from .base import written
from .map_algorithm import MapAlgorithm


class SegmentAlgorithm(MapAlgorithm):
    """Classifies every pixel of a raster."""

    NAME = "segment"
    ICON = "segment"
    VERB = "segment"
    TASK = "segmentation"

    INPUT = "INPUT"
    BESIDE = CONFIDENCE = "CONFIDENCE"
    AREA_TOTAL = "AREA_TOTAL"

    RASTERS = {INPUT: MapAlgorithm.BANDS}

    def displayName(self) -> str:  # noqa: N802
        """The name in the toolbox."""
        return tr("Land-cover map")

    def shortDescription(self) -> str:  # noqa: N802
        """The tooltip in the toolbox."""
        return tr("Assigns a land-cover class to every pixel of a multispectral raster.")

    def tags(self) -> list[str]:
        """The keywords of the toolbox search."""
        return tr(
            "land cover,land use,segmentation,classification,pixel,deep learning,AI,foundation model,"
            "Sentinel-2,Landsat,water,forest,crops"
        ).split(",")

    def shortHelpString(self) -> str:  # noqa: N802
        """The help text in the dialog."""
        return tr(
            "<p>Assigns a class to every pixel of a multispectral raster, such as water, trees or "
            "built-up land.</p>"
            "<h3>Inputs</h3>"
            "<p><b>Raster</b>: a multispectral image such as Sentinel-2 or Landsat, with all bands "
            "in one layer. Both digital numbers and reflectance can be used; the log shows how the "
            "values were scaled.<br>"
            "<b>Bands</b>: leave empty to match bands by their names or wavelengths. If your "
            "raster has neither, choose one band for each band of the model, in the model's order "
            "(see the tooltip of the model).<br>"
            "<b>Extent</b> and <b>mask</b> limit the area to process, so a small area is quick "
            "even in a large scene.<br>"
            "<b>Minimum area</b> merges smaller patches into their neighbours.</p>"
            "<h3>Outputs</h3>"
            "<p><b>Class map</b>: a GeoTIFF on the grid of the raster, with the model's class "
            "names and colours. No-data pixels remain no-data.<br>"
            "<b>Confidence</b>: the probability of the chosen class in percent. Values near 100 "
            "are the most certain. Below about 60, the second-best class was close, often at class "
            "boundaries or in places unlike the training data: check the image there.<br>"
            "<b>Polygons</b> with class and mean confidence, and a table of the <b>area</b> of "
            "each class, measured on the ellipsoid.</p>"
        )

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: N802
        """Declares parameters and outputs."""
        for parameter in (
            shared.raster(self.INPUT, tr("Raster")),
            shared.model(self.MODEL, self.TASK, "landcover", estimates=True),
            shared.bands(
                self.BANDS, tr("Bands in the model's order (empty = automatic)"), self.INPUT
            ),
            shared.extent(self.EXTENT),
            shared.polygons(self.MASK, tr("Limit to these polygons (mask)")),
            shared.min_area(self.MIN_AREA, tr("Minimum area of a patch (m²)")),
            shared.quick_look(self.QUICK_LOOK),
            shared.overlap(self.OVERLAP),
            shared.device(self.DEVICE),
            shared.threads(self.THREADS),
            shared.cloud_optimised(self.COG),
            shared.raster_output(self.OUTPUT, tr("Class map")),
            shared.raster_output(self.CONFIDENCE, tr("Confidence (percent)"), optional=True),
            shared.polygon_output(self.OUTPUT_VECTOR, tr("Class polygons"), optional=True),
            shared.table_output(self.AREAS, tr("Area of each class")),
        ):
            self.addParameter(parameter)
        self.add_run_outputs()
        self.addOutput(QgsProcessingOutputNumber(self.AREA_TOTAL, tr("Mapped area (m²)")))

    def processAlgorithm(  # noqa: N802
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        """Reads the parameters, runs the engine, and returns the outputs."""
        outputs = self.map_outputs(parameters, context)
        result = self.make_map(parameters, context, feedback, outputs)
        if not result:
            return {}
        from ..styling import (  # not at the start of QGIS
            ClassRasterStyle,
            PolygonStyle,
            confidence_style,
        )

        classes = self.class_styles(result)

        self.keep_style(outputs[self.OUTPUT], ClassRasterStyle(classes))
        self.keep_style(outputs[self.CONFIDENCE], confidence_style())
        self.keep_style(outputs[self.OUTPUT_VECTOR], PolygonStyle(classes))
        found = [area for area in result.get("areas", []) if area["pixels"]]
        return {
            **written(outputs),
            **self.run_outputs(result, classes_found=len(found)),
            self.AREA_TOTAL: round(sum(area["area_m2"] for area in found), 2),
        }

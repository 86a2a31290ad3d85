"""spectralgpt:detectchange, change detection between two dates."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsCoordinateTransform,
    QgsCsException,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputNumber,
    QgsProcessingParameterNumber,
    QgsRasterLayer,
    QgsRectangle,
)

from ..i18n import tr
from . import parameters as shared
from .base import written
from .map_algorithm import MapAlgorithm

UNCHANGED = 0


class DetectChangeAlgorithm(MapAlgorithm):
    """Detects change between two dates."""

    NAME = "detectchange"
    ICON = "change"
    VERB = "detect-change"
    TASK = "change-detection"

    BEFORE = "BEFORE"
    AFTER = "AFTER"
    AFTER_BANDS = "AFTER_BANDS"
    THRESHOLD = "THRESHOLD"
    BESIDE = PROBABILITY = "PROBABILITY"
    THRESHOLD_USED = "THRESHOLD_USED"
    AREA_CHANGED = "AREA_CHANGED"

    HIDDEN = (UNCHANGED,)
    RASTERS = {BEFORE: MapAlgorithm.BANDS, AFTER: AFTER_BANDS}

    def displayName(self) -> str:  # noqa: N802
        """The name in the toolbox."""
        return tr("Detect change")

    def shortDescription(self) -> str:  # noqa: N802
        """The tooltip in the toolbox."""
        return tr("Maps the changes between two multispectral rasters of the same place.")

    def tags(self) -> list[str]:
        """The keywords of the toolbox search."""
        return tr(
            "change detection,difference,before,after,two dates,bitemporal,monitoring,deep learning,AI,"
            "construction,urban,Sentinel-2,Landsat"
        ).split(",")

    def shortHelpString(self) -> str:  # noqa: N802
        """The help text in the dialog."""
        return tr(
            "<p>Maps what changed on the ground between two dates. What counts as change depends "
            "on the model: the included one detects construction, ignores seasons and crops, and "
            "mostly misses rising or falling water.</p>"
            "<h3>Inputs</h3>"
            "<p><b>Before</b> and <b>after</b>: two multispectral rasters of the same place. They "
            "may differ in grid, pixel size and coordinate system: the second is resampled to the "
            "grid of the first. Choose cloud-free dates, if possible from the same season.<br>"
            "<b>Threshold</b>: pixels count as changed from this probability on. Leave it empty to "
            "use the threshold of the model; raise it if too much is marked as changed, lower it "
            "if changes are missed.<br>"
            "<b>Minimum area</b> removes smaller changes.</p>"
            "<h3>Outputs</h3>"
            "<p><b>Change map</b>: 0 unchanged, 1 changed, on the grid of the first raster.<br>"
            "<b>Probability of change</b> from 0 to 1: dark areas are the most certain. Where "
            "values are close to the threshold, compare the two images yourself.<br>"
            "<b>Polygons</b> of what changed, and a table of <b>areas</b>, measured on the "
            "ellipsoid.</p>"
        )

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: N802
        """Declares parameters and outputs."""
        for parameter in (
            shared.raster(self.BEFORE, tr("Raster before")),
            shared.raster(self.AFTER, tr("Raster after")),
            shared.model(self.MODEL, self.TASK, "change", estimates=True),
            shared.bands(
                self.BANDS, tr("Bands in the model's order (empty = automatic)"), self.BEFORE
            ),
            shared.advanced(
                shared.bands(
                    self.AFTER_BANDS, tr("Bands of the raster after, if different"), self.AFTER
                )
            ),
            shared.helped(
                shared.decimals(
                    QgsProcessingParameterNumber(
                        self.THRESHOLD,
                        tr("Threshold (0 to 1, not set = the model's own)"),
                        QgsProcessingParameterNumber.Type.Double,
                        None,
                        True,
                        0.0,
                        1.0,
                    ),
                    3,
                ),
                tr("Pixels count as changed from this probability on."),
            ),
            shared.extent(self.EXTENT),
            shared.polygons(self.MASK, tr("Limit to these polygons (mask)")),
            shared.min_area(self.MIN_AREA, tr("Minimum area of a change (m²)")),
            shared.quick_look(self.QUICK_LOOK),
            shared.overlap(self.OVERLAP),
            shared.device(self.DEVICE),
            shared.threads(self.THREADS),
            shared.cloud_optimised(self.COG),
            shared.raster_output(self.OUTPUT, tr("Change map")),
            shared.raster_output(self.PROBABILITY, tr("Probability of change"), optional=True),
            shared.polygon_output(self.OUTPUT_VECTOR, tr("Change polygons"), optional=True),
            shared.table_output(self.AREAS, tr("Area of change")),
        ):
            self.addParameter(parameter)
        self.add_run_outputs()
        self.addOutput(QgsProcessingOutputNumber(self.THRESHOLD_USED, tr("Threshold used")))
        self.addOutput(QgsProcessingOutputNumber(self.AREA_CHANGED, tr("Changed area (m²)")))

    def problem(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:
        """Checks that the two dates overlap, and are not the same bands of one file."""
        before = self.parameterAsRasterLayer(parameters, self.BEFORE, context)
        after = self.parameterAsRasterLayer(parameters, self.AFTER, context)
        if before is None or after is None:
            return super().problem(parameters, context)
        if before.source() == after.source() and self._same_bands(parameters, context):
            return tr(
                "Both dates are the same raster '{}', so no change can be detected. Choose the raster of the second "
                "date (AFTER)."
            ).format(before.name())
        if not _share_ground(before, after, context):
            return tr(
                "The rasters '{before}' and '{after}' do not overlap, so there is nothing to compare. Choose two "
                "rasters of the same place, or correct the coordinate system of one (right-click, Layer CRS)."
            ).format(before=before.name(), after=after.name())
        return super().problem(parameters, context)

    def _same_bands(self, parameters: dict[str, Any], context: QgsProcessingContext) -> bool:
        """Whether both dates use the same bands; if not, they may come from one file that holds both."""
        before, after = (
            self.chosen_bands(parameters, name, context) for name in (self.BANDS, self.AFTER_BANDS)
        )
        return not after or before == after

    def processAlgorithm(  # noqa: N802
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        """Reads the parameters, runs the engine, and returns the outputs."""
        outputs = self.map_outputs(parameters, context)
        threshold = None
        if parameters.get(self.THRESHOLD) is not None:
            threshold = self.parameterAsDouble(parameters, self.THRESHOLD, context)
        result = self.make_map(parameters, context, feedback, outputs, threshold=threshold)
        if not result:
            return {}
        from ..styling import (  # not at the start of QGIS
            ClassRasterStyle,
            PolygonStyle,
            probability_style,
        )

        classes = self.class_styles(result)
        # Unchanged ground is transparent, so that the image below shows through.
        self.keep_style(outputs[self.OUTPUT], ClassRasterStyle(classes, hidden=self.HIDDEN))
        self.keep_style(outputs[self.PROBABILITY], probability_style())
        changed = tuple(item for item in classes if item.value != UNCHANGED)
        self.keep_style(outputs[self.OUTPUT_VECTOR], PolygonStyle(changed))
        found = [area for area in result.get("areas", []) if area["pixels"]]
        return {
            **written(outputs),
            **self.run_outputs(result, classes_found=len(found)),
            self.THRESHOLD_USED: result.get("threshold"),
            self.AREA_CHANGED: round(
                sum(area["area_m2"] for area in found if area["value"] != UNCHANGED), 2
            ),
        }


def _share_ground(
    before: QgsRasterLayer, after: QgsRasterLayer, context: QgsProcessingContext
) -> bool:
    """Whether two layers overlap; True if that cannot be determined."""
    area = after.extent()
    if before.crs().isValid() and after.crs().isValid() and before.crs() != after.crs():
        try:
            area = QgsCoordinateTransform(
                after.crs(), before.crs(), context.transformContext()
            ).transformBoundingBox(area)
        except QgsCsException:
            return True
    ground = before.extent()
    # At the date line, the same longitude may be given as 180 or as -180 degrees.
    turns = (-360, 0, 360) if before.crs().isGeographic() else (0,)
    return any(area.intersects(_moved(ground, turn)) for turn in turns)


def _moved(area: QgsRectangle, right: float) -> QgsRectangle:
    return QgsRectangle(
        area.xMinimum() + right, area.yMinimum(), area.xMaximum() + right, area.yMaximum()
    )

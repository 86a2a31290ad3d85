"""spectralgpt:sample, draws a stratified random sample for the accuracy assessment of a map."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsPalettedRasterRenderer,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingOutputNumber,
)

from ..i18n import tr
from . import parameters as shared
from . import training_parameters as training
from .base import EngineAlgorithm
from .label_input import picture_problem
from .raster_input import RasterInput, read_raster

ALLOCATIONS = ("proportional", "equal")


class SampleAlgorithm(EngineAlgorithm):
    """Draws random points in every class of a map."""

    NAME = "sample"
    ICON = "sample"
    VERB = "sample"
    GROUP_ID = "accuracy"

    INPUT = "INPUT"
    SIZE = "SIZE"
    STANDARD_ERROR = "STANDARD_ERROR"
    EXPECTED_ACCURACY = "EXPECTED_ACCURACY"
    ALLOCATION = "ALLOCATION"
    MINIMUM = "MINIMUM"
    SEED = "SEED"
    OUTPUT = "OUTPUT"
    POINT_COUNT = "POINT_COUNT"
    CLASS_COUNT = "CLASS_COUNT"

    def __init__(self) -> None:
        """Starts without a map."""
        super().__init__()
        self._map: RasterInput | None = None

    def displayName(self) -> str:  # noqa: N802
        """The name in the toolbox."""
        return tr("Draw sample of a map")

    def shortDescription(self) -> str:  # noqa: N802
        """The tooltip in the toolbox."""
        return tr(
            "Draws random points from each class of a map, as reference data for accuracy assessment."
        )

    def tags(self) -> list[str]:
        """The keywords of the toolbox search."""
        return tr(
            "accuracy assessment,validation,stratified random sample,reference points,ground truth,Olofsson,"
            "good practice,response design"
        ).split(",")

    def shortHelpString(self) -> str:  # noqa: N802
        """The help text in the dialog."""
        return tr(
            "<p>Draws random points of every class of a map. You look at each place in good "
            "imagery and record the true class. 'Evaluate map' then estimates the accuracy of the "
            "map and the true area of each class, with confidence intervals (Olofsson et al. "
            "2014).</p>"
            "<h3>Inputs</h3>"
            "<p><b>Class map</b>: from 'Land-cover map', 'Detect change' or elsewhere; whole "
            "numbers in the first band.<br>"
            "<b>Number of points</b>: 0 uses as many as are needed for the standard error.<br>"
            "<b>Standard error</b> of the overall accuracy: 0.01 is one percent.<br>"
            "<b>Expected accuracy</b>: your estimate of the share of each class that is "
            "correct.<br>"
            "<b>Allocation</b>: <i>proportional</i> gives large classes more points, which is best "
            "for areas; <i>equal</i> gives all classes the same number, which is best for rare "
            "classes.<br>"
            "<b>Minimum number of points per class</b>: with 50 or more, the figures of rare "
            "classes are usable.</p>"
            "<h3>Output</h3>"
            "<p><b>Sample points</b>: go through them one by one, look at the imagery, and set the "
            "field <i>reference</i> to the class that you see; the form lists the classes of the "
            "map. Look at the imagery, not at the map. Points that are not labelled yet are "
            "orange. You can stop early: the first points are also a random sample. Do not skip "
            "points because they are difficult.</p>"
            "<p>Then run 'Evaluate map' with the map, these points and the field reference.</p>"
        )

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: N802
        """Declares parameters and outputs."""
        for parameter in (
            shared.raster(self.INPUT, tr("Class map")),
            shared.whole_number(
                self.SIZE, tr("Number of points (0 = from the standard error)"), 0, 0, 1000000
            ),
            shared.fraction(
                self.STANDARD_ERROR,
                tr("Standard error of the overall accuracy"),
                0.01,
                0.0005,
                0.2,
                4,
                tr("0.01 is one percent. Halving it needs four times as many points."),
            ),
            shared.fraction(
                self.EXPECTED_ACCURACY,
                tr("Expected accuracy of every class (0 to 1)"),
                0.8,
                0.01,
                0.99,
                2,
            ),
            shared.choice(
                self.ALLOCATION,
                tr("Allocation of the points to the classes"),
                ALLOCATIONS,
                tr("proportional: by the area of each class. equal: the same for all."),
            ),
            shared.whole_number(
                self.MINIMUM, tr("Minimum number of points per class"), 50, 1, 100000
            ),
            training.seed(self.SEED),
            training.point_output(self.OUTPUT, tr("Sample points")),
        ):
            self.addParameter(parameter)
        self.addOutput(QgsProcessingOutputNumber(self.POINT_COUNT, tr("Points")))
        self.addOutput(QgsProcessingOutputNumber(self.CLASS_COUNT, tr("Classes")))

    def problem(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:
        """Checks that the raster is a class map, as every value of an image would count as a class."""
        layer = self.parameterAsRasterLayer(parameters, self.INPUT, context)
        if layer is None or layer.bandCount() == 1:
            return picture_problem(layer)
        if isinstance(layer.renderer(), QgsPalettedRasterRenderer):
            return ""
        return tr(
            "'{name}' is an image with {bands} bands, not a class map. Choose a class map, such as one made with "
            "'Land-cover map'."
        ).format(name=layer.name(), bands=layer.bandCount())

    def prepareAlgorithm(  # noqa: N802
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> bool:
        """Reads the layer here, in its own thread; `processAlgorithm` runs in another."""
        super().prepareAlgorithm(parameters, context, feedback)
        layer = self.parameterAsRasterLayer(parameters, self.INPUT, context)
        if layer is None or not layer.isValid():
            raise QgsProcessingException(self.invalidRasterError(parameters, self.INPUT))
        self._map = read_raster(layer)
        return True

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
                    "input": self._map.source(
                        folder, None, 10.0, context.transformContext(), feedback
                    ),
                    "output": output,
                    "size": self.parameterAsInt(parameters, self.SIZE, context),
                    "standard_error": self.parameterAsDouble(
                        parameters, self.STANDARD_ERROR, context
                    ),
                    "expected_accuracy": self.parameterAsDouble(
                        parameters, self.EXPECTED_ACCURACY, context
                    ),
                    "allocation": self.parameterAsEnumString(parameters, self.ALLOCATION, context),
                    "minimum": self.parameterAsInt(parameters, self.MINIMUM, context),
                    "seed": self.parameterAsInt(parameters, self.SEED, context),
                },
                feedback,
            )
        if not result:
            return {}
        from ..styling import SampleStyle, class_styles  # not at the start of QGIS

        self.keep_style(output, SampleStyle(class_styles(result["classes"])))
        return {
            self.OUTPUT: output,
            self.POINT_COUNT: result.get("size", 0),
            self.CLASS_COUNT: len(result["classes"]),
        }

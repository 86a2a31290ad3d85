"""spectralgpt:uncertainplaces, active learning: finds the places that are most worth labelling next."""

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
from . import training_parameters as training
from .label_input import LabelInput, kind_problem, read_labels
from .raster_algorithm import RasterAlgorithm


class UncertainPlacesAlgorithm(RasterAlgorithm):
    """Finds the places where a model is least certain."""

    NAME = "uncertainplaces"
    ICON = "places"
    VERB = "uncertain-places"
    TASK = "segmentation"
    GROUP_ID = "training"

    INPUT = "INPUT"
    COUNT = "COUNT"
    SIZE = "SIZE"
    LABELS = "LABELS"
    OVERLAP = "OVERLAP"
    OUTPUT = "OUTPUT"
    PLACE_COUNT = "PLACE_COUNT"

    RASTERS = {INPUT: RasterAlgorithm.BANDS}

    def __init__(self) -> None:
        """Starts without labels."""
        super().__init__()
        self._labels: LabelInput | None = None

    def displayName(self) -> str:  # noqa: N802
        """The name in the toolbox."""
        return tr("Find places to label next")

    def shortDescription(self) -> str:  # noqa: N802
        """The tooltip in the toolbox."""
        return tr("Finds the places in a raster where a model is least certain, in order.")

    def tags(self) -> list[str]:
        """The keywords of the toolbox search."""
        return tr(
            "active learning,uncertainty,margin sampling,breaking ties,training data,labels,samples,annotation,"
            "deep learning,AI,foundation model"
        ).split(",")

    def shortHelpString(self) -> str:  # noqa: N802
        """The help text in the dialog."""
        return tr(
            "<p>Finds the places where new labels help a model most: those where its two most "
            "probable classes are nearly equal. A few such places improve a model more than many "
            "that it already classifies well.</p>"
            "<h3>Inputs</h3>"
            "<p><b>Raster</b> and <b>model</b>: the image to map, and the model that you want to "
            "improve.<br>"
            "<b>Bands</b>: leave empty to match them by name or wavelength.<br>"
            "<b>Number of places</b>: how many places you want to label.<br>"
            "<b>Size of a place</b>: 0 means 10 pixels of the raster.<br>"
            "<b>Existing labels</b>: places that are already labelled are left out, including "
            "unsaved edits.<br>"
            "<b>Extent</b> and <b>mask</b> limit the search, so a small area is quick even in a "
            "large scene.</p>"
            "<h3>Output</h3>"
            "<p><b>Places to label</b>: squares with their rank (1 is the least certain), the "
            "uncertainty (0 to 1), and the two most probable classes with their probabilities. "
            "Places keep a distance from each other, and if possible no more than half of them are "
            "about the same two classes.</p>"
            "<p>Go through them by rank, look at the imagery, and draw polygons of what you see in "
            "your label layer. Then train again from the current model, and find the next "
            "places.</p>"
        )

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: N802
        """Declares parameters and outputs."""
        for parameter in (
            shared.raster(self.INPUT, tr("Raster")),
            shared.model(self.MODEL, self.TASK, "landcover"),
            shared.bands(
                self.BANDS, tr("Bands in the model's order (empty = automatic)"), self.INPUT
            ),
            shared.whole_number(self.COUNT, tr("Number of places"), 20, 1, 1000),
            QgsProcessingParameterDistance(
                self.SIZE, tr("Size of a place (0 = 10 pixels)"), 0.0, self.INPUT, False, 0.0
            ),
            training.labels(self.LABELS, tr("Existing labels (left out)"), optional=True),
            shared.extent(self.EXTENT),
            shared.polygons(self.MASK, tr("Limit to these polygons (mask)")),
            shared.overlap(self.OVERLAP),
            shared.device(self.DEVICE),
            shared.threads(self.THREADS),
            shared.polygon_output(self.OUTPUT, tr("Places to label")),
        ):
            self.addParameter(parameter)
        self.addOutput(QgsProcessingOutputNumber(self.PLACE_COUNT, tr("Places")))
        self.add_run_outputs()

    def problem(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:
        """Checks model, bands, and the kind of the label layer."""
        layer = self.parameterAsLayer(self.plain(parameters), self.LABELS, context)
        return super().problem(parameters, context) or kind_problem(layer)

    def prepareAlgorithm(  # noqa: N802
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> bool:
        """Reads the layers here, in their own thread; `processAlgorithm` runs in another."""
        super().prepareAlgorithm(parameters, context, feedback)
        layer = self.parameterAsLayer(self.plain(parameters), self.LABELS, context)
        # A layer in which nothing has been drawn yet is as good as none.
        if layer is not None and getattr(layer, "featureCount", lambda: -1)() != 0:
            self._labels = read_labels(layer, parameters.get(self.LABELS), "", False)
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
            job = {
                **self.raster_job(parameters, context, feedback, folder),
                "output": output,
                "count": self.parameterAsInt(parameters, self.COUNT, context),
                "size": self.parameterAsDouble(parameters, self.SIZE, context),
                "overlap": self.parameterAsInt(parameters, self.OVERLAP, context),
            }
            if self._labels is not None:
                inside = folder / self.LABELS
                inside.mkdir()
                job["labels"] = self._labels.file(inside, context.transformContext(), feedback)
            result = self.run_engine(job, feedback)
        if not result:
            return {}
        from ..styling import PlacesStyle  # not at the start of QGIS

        self.keep_style(output, PlacesStyle())
        places = result.get("places", [])
        named = {place[key] for place in places for key in ("first_class", "second_class")}
        return {
            self.OUTPUT: output,
            self.PLACE_COUNT: len(places),
            **self.run_outputs(result, classes_found=len(named)),
        }

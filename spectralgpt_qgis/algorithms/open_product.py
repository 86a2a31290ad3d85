"""spectralgpt:openproduct, makes one raster of a satellite product as it is delivered, without copying its pixels."""

from __future__ import annotations

import os
from typing import Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterFile,
    QgsProcessingParameterNumber,
)

from ..i18n import tr
from . import parameters as shared
from .base import EngineAlgorithm
from .virtual_output import VirtualRasterDestination

_NONE = -1.0  # the share of masked pixels if there is no mask


class OpenProductAlgorithm(EngineAlgorithm):
    """Writes a virtual raster over the files of a Sentinel-2, Landsat or HLS product."""

    NAME = "openproduct"
    ICON = "product"
    VERB = "open-product"
    GROUP_ID = "imagery"

    INPUT = "INPUT"
    RESOLUTION = "RESOLUTION"
    MASK_CLOUDS = "MASK_CLOUDS"
    OUTPUT = "OUTPUT"
    MASKED = "MASKED"
    TITLE = "TITLE"
    DATE = "DATE"

    def __init__(self) -> None:
        """Starts without a product."""
        super().__init__()
        self._output = self._title = ""

    def displayName(self) -> str:  # noqa: N802
        """The name in the toolbox."""
        return tr("Open satellite product")

    def shortDescription(self) -> str:  # noqa: N802
        """The tooltip in the toolbox."""
        return tr(
            "Opens a Sentinel-2, Landsat or HLS product as one raster, with its clouds masked."
        )

    def tags(self) -> list[str]:
        """The keywords of the toolbox search."""
        return tr(
            "Sentinel-2,Landsat,HLS,SAFE,zip,tar,JPEG 2000,jp2,bands,stack,virtual raster,VRT,clouds,cloud mask,SCL,"
            "QA_PIXEL,reflectance,import"
        ).split(",")

    def shortHelpString(self) -> str:  # noqa: N802
        """The help text in the dialog."""
        return tr(
            "<p>Opens a satellite product as it was downloaded, and combines it into one raster for "
            "the other tools, with named bands, values as reflectance, and masked clouds. No pixels "
            "are copied: the raster is a small file that refers to the product, so keep the product "
            "where it is.</p>"
            "<h3>Inputs</h3>"
            "<p><b>Product</b>: any file of the product, or its archive: Sentinel-2 Level-2A or "
            "Level-1C (.SAFE folder or .zip), Landsat Collection 2 (folder or .tar), HLS version 2 "
            "(folder). Scripts can also pass the folder.<br>"
            "<b>Pixel size</b>: 0 uses the finest of the product: 10 m for Sentinel-2, 30 m for "
            "Landsat and HLS. Coarser bands are repeated, finer ones averaged.<br>"
            "<b>Mask clouds</b>: clouds, their shadows and cirrus become no-data, based on the "
            "layer delivered with the product (SCL, MSK_CLASSI, QA_PIXEL or Fmask). This layer "
            "misses thin clouds and sometimes mistakes bright roofs or snow for clouds, so check the "
            "result.</p>"
            "<h3>Output</h3>"
            "<p><b>Raster</b>: a virtual raster (.vrt), shown in natural colours; the mask is "
            "written beside it. Thermal, panchromatic and quality bands are left out.</p>"
        )

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: N802
        """Declares parameters and outputs."""
        self.addParameter(
            QgsProcessingParameterFile(
                self.INPUT,
                tr("Product (any of its files, or its archive)"),
                # QGIS refuses what the filter refuses: with the usual "*.*" a folder, which scripts may give.
                fileFilter=tr(
                    "Satellite products (MTD_*.xml *_MTL.* *.zip *.tar *.jp2 *.tif *.TIF);;All files (*)"
                ),
            )
        )
        self.addParameter(
            shared.helped(
                shared.decimals(
                    QgsProcessingParameterNumber(
                        self.RESOLUTION,
                        tr("Pixel size in metres (0 = the finest)"),
                        QgsProcessingParameterNumber.Type.Double,
                        0.0,
                        False,
                        0.0,
                    ),
                    0,
                ),
                tr("Sentinel-2 has bands of 10, 20 and 60 m; Landsat and HLS have 30 m."),
            )
        )
        self.addParameter(
            QgsProcessingParameterBoolean(
                self.MASK_CLOUDS, tr("Mask clouds and their shadows"), True
            )
        )
        self.addParameter(VirtualRasterDestination(self.OUTPUT, tr("Raster")))
        self.addOutput(
            QgsProcessingOutputNumber(self.MASKED, tr("Masked (percent; -1 without a mask)"))
        )
        self.addOutput(QgsProcessingOutputString(self.TITLE, tr("Product")))
        self.addOutput(QgsProcessingOutputString(self.DATE, tr("Date")))

    def processAlgorithm(  # noqa: N802
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        """Reads the parameters, runs the engine, and returns the outputs."""
        self._output = self.parameterAsOutputLayer(parameters, self.OUTPUT, context)
        result = self.run_engine(
            {
                "input": self._given(parameters, context),
                "output": self._output,
                "resolution": self.parameterAsDouble(parameters, self.RESOLUTION, context),
                "mask_clouds": self.parameterAsBoolean(parameters, self.MASK_CLOUDS, context),
            },
            feedback,
        )
        if not result:
            return {}
        from ..styling import NaturalColours  # not at the start of QGIS

        self._title = str(result["title"])
        red, green, blue = result["natural"]
        black, white = result["stretch"]
        self.keep_style(self._output, NaturalColours((red, green, blue), black, white))
        masked = result["masked"]
        return {
            self.OUTPUT: self._output,
            self.MASKED: _NONE if masked is None else masked,
            self.TITLE: self._title,
            self.DATE: str(result["date"]),
        }

    def _given(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:
        """The product's path; the engine's working folder is not that of qgis_process."""
        path = self.parameterAsFile(parameters, self.INPUT, context).strip()
        return os.path.abspath(path) if os.path.exists(path) else path

    def postProcessAlgorithm(  # noqa: N802
        self, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Names the layer after the product, unless it got a name of its own; then as always."""
        if self._title and context.willLoadLayerOnCompletion(self._output):
            details = context.layerToLoadOnCompletionDetails(self._output)
            if details.name == self.parameterDefinition(self.OUTPUT).description():
                details.name = self._title
        return super().postProcessAlgorithm(context, feedback)

    def subject(self) -> str:
        """The name of the product."""
        return self._title

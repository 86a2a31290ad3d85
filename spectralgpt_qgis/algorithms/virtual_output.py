"""A raster destination that is a virtual raster (.vrt), where the provider's other rasters are GeoTIFFs."""

from __future__ import annotations

import os
from typing import Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingParameterRasterDestination,
    QgsProcessingParameters,
)

from ..i18n import tr

ENDING = "vrt"


class VirtualRasterDestination(QgsProcessingParameterRasterDestination):
    """Where to write a virtual raster; scripts see an ordinary raster destination."""

    def clone(self) -> VirtualRasterDestination:
        """A copy, which QGIS makes of each parameter of a model."""
        copied = VirtualRasterDestination(self.name(), self.description())
        copied.setHelp(self.help())
        copied.setFlags(self.flags())
        copied.setMetadata(self.metadata())
        copied.setDefaultValue(self.defaultValue())
        copied.setCreateByDefault(self.createByDefault())
        copied.setSupportsNonFileBasedOutput(self.supportsNonFileBasedOutput())
        return copied

    def defaultFileExtension(self) -> str:  # noqa: N802
        """The ending of temporary files, and of names without one."""
        return ENDING

    def supportedOutputRasterLayerExtensions(self) -> list[str]:  # noqa: N802
        """The only ending."""
        return [ENDING]

    def createFileFilter(self) -> str:  # noqa: N802
        """The filter of the file dialog."""
        return tr("Virtual rasters (*.vrt)")

    def isSupportedOutputValue(  # noqa: N802
        self, value: Any, context: QgsProcessingContext
    ) -> tuple[bool, str]:
        """Refuses other endings."""
        path = QgsProcessingParameters.parameterAsOutputLayer(self, value, context)
        if os.path.splitext(path)[1].lower() in ("", f".{ENDING}"):
            return True, ""
        return False, tr("'{}' must be a virtual raster: give a name that ends in .vrt.").format(
            path
        )

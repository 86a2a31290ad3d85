"""The Processing provider: the explicit list of algorithms."""

from __future__ import annotations

from qgis.core import QgsProcessingProvider
from qgis.PyQt.QtGui import QIcon

from . import engine_access, paths
from .algorithms.classify import ClassifyAlgorithm
from .algorithms.detect_change import DetectChangeAlgorithm
from .algorithms.evaluate import EvaluateAlgorithm
from .algorithms.export_model import ExportModelAlgorithm
from .algorithms.finetune import FinetuneAlgorithm
from .algorithms.import_model import ImportModelAlgorithm
from .algorithms.open_product import OpenProductAlgorithm
from .algorithms.pretrain import PretrainAlgorithm
from .algorithms.sample import SampleAlgorithm
from .algorithms.segment import SegmentAlgorithm
from .algorithms.uncertain_places import UncertainPlacesAlgorithm
from .i18n import tr

ALGORITHMS = (
    OpenProductAlgorithm,
    SegmentAlgorithm,
    ClassifyAlgorithm,
    DetectChangeAlgorithm,
    FinetuneAlgorithm,
    UncertainPlacesAlgorithm,
    PretrainAlgorithm,
    SampleAlgorithm,
    EvaluateAlgorithm,
    ImportModelAlgorithm,
    ExportModelAlgorithm,
)


class SpectralGPTProvider(QgsProcessingProvider):
    """Offers the algorithms in the toolbox, in models, in batch and on the command line."""

    ID = "spectralgpt"

    def id(self) -> str:
        """The id; it is part of the interface and never changes."""
        return self.ID

    def name(self) -> str:
        """The name in the toolbox."""
        return "SpectralGPT"

    def longName(self) -> str:  # noqa: N802
        """The name with its version."""
        return tr("SpectralGPT {} (models for multispectral rasters)").format(paths.version())

    def versionInfo(self) -> str:  # noqa: N802
        """The version, for the log of a run."""
        return paths.version()

    def icon(self) -> QIcon:
        """The icon in the toolbox."""
        return QIcon(paths.icon("spectralgpt"))

    def svgIconPath(self) -> str:  # noqa: N802
        """The icon as SVG, for places that scale it."""
        return paths.icon("spectralgpt")

    def isActive(self) -> bool:  # noqa: N802
        """Always true: without an engine the algorithms stay visible and say what is missing."""
        return True

    def warningMessage(self) -> str:  # noqa: N802
        """Shown in the toolbox while the engine is missing."""
        return engine_access.why_not_ready()

    def loadAlgorithms(self) -> None:  # noqa: N802
        """Adds an instance of every algorithm."""
        for algorithm in ALGORITHMS:
            self.addAlgorithm(algorithm())

    def supportedOutputRasterLayerExtensions(self) -> list[str]:  # noqa: N802
        """GeoTIFF only, which keeps the colours and names of classes."""
        return ["tif"]

    def supportedOutputVectorLayerExtensions(self) -> list[str]:  # noqa: N802
        """GeoPackage only, which can carry its style."""
        return ["gpkg"]

    def defaultRasterFileExtension(self) -> str:  # noqa: N802
        """The same."""
        return "tif"

    def defaultVectorFileExtension(self, has_geometry: bool = True) -> str:  # noqa: N802
        """The same."""
        return "gpkg"

    def supportsNonFileBasedOutput(self) -> bool:  # noqa: N802
        """The engine is another process: it cannot write into a layer in memory."""
        return False

"""All errors that the engine raises deliberately; messages say what was given, what was expected and what to do.

Each class also inherits from the standard-library error that it specialises, so that callers who do not know this
module catch it too. The class name is the `kind` of the protocol's error event.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .cards import Band


class EngineError(Exception):
    """Base class of errors that a user can understand and fix."""

    def __init__(self, message: str, details: str = "") -> None:
        """Takes the message for the user and the technical details separately.

        Args:
            message: What was given, what was expected, what to do.
            details: Technical text for a bug report, may be empty.
        """
        super().__init__(message)
        self.message = message
        self.details = details

    @property
    def kind(self) -> str:
        """The name of this error in the protocol."""
        return type(self).__name__


class InvalidParameter(EngineError, ValueError):
    """A parameter is missing, unknown, of the wrong type or out of range."""


class RasterUnreadable(EngineError, OSError):
    """A raster is missing, corrupt, truncated, or has an impossible layout."""


class ProductUnreadable(EngineError, OSError):
    """A satellite product is incomplete, damaged, or of a form that cannot be opened."""


class VectorUnreadable(EngineError, OSError):
    """A vector file is missing, corrupt or has no polygons."""


class LabelsInvalid(EngineError, ValueError):
    """Labels cannot be used: no class field, a single class only, contradicting classes."""


class GeoreferenceMissing(EngineError, ValueError):
    """A raster has no coordinate reference system or no usable geotransform."""


class BandMismatch(EngineError, ValueError):
    """A raster's bands do not suit the model.

    Attributes:
        missing: The model's bands that the raster lacks; empty if something else is wrong.
    """

    def __init__(self, message: str, details: str = "", missing: Sequence[Band] = ()) -> None:
        """Takes the missing bands in addition to message and details."""
        super().__init__(message, details)
        self.missing = tuple(missing)


class EmptyArea(EngineError, ValueError):
    """Extent, mask or valid pixels leave nothing to compute."""


class NoOverlap(EngineError, ValueError):
    """Two rasters do not overlap."""


class ModelInvalid(EngineError, ValueError):
    """A file is not a model, is damaged, or was changed since it was made."""


class ModelTaskMismatch(EngineError, ValueError):
    """A model was made for another task."""


class CheckpointMismatch(EngineError, ValueError):
    """A checkpoint's content does not fit the published format."""


class OutputNotWritable(EngineError, OSError):
    """An output cannot be written to the requested place."""


class DiskFull(EngineError, OSError):
    """The disk is too full for an output."""


class OutOfMemory(EngineError, MemoryError):
    """The machine or the GPU has too little memory."""


class DeviceUnavailable(EngineError, RuntimeError):
    """The requested device does not exist or failed its check."""


class TrainingDiverged(EngineError, ArithmeticError):
    """A loss became NaN or infinite."""


class MissingDependency(EngineError, ImportError):
    """A library of the training tier is not installed."""


class EnvironmentBroken(EngineError, RuntimeError):
    """A library of the engine cannot be imported or does not work."""


class ScenesFailed(EngineError, RuntimeError):
    """Some scenes of a batch could not be computed; the others are done."""


class Cancelled(EngineError):
    """The user cancelled; not a failure."""

    def __init__(self, message: str = "Cancelled.", details: str = "") -> None:
        """Has a default message, as a cancel needs no explanation."""
        super().__init__(message, details)


class ClientGone(Cancelled):
    """The client ended without cancelling, for example because QGIS crashed."""

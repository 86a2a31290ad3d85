"""Every error the engine raises on purpose; messages say what was given, what was expected and what to do.

Each class is also the standard-library error that it specialises, so that a caller who does not know this module still
catches it. The class name is the `kind` of the protocol's error event.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .cards import Band


class EngineError(Exception):
    """Base of the errors that a user can understand and fix."""

    def __init__(self, message: str, details: str = "") -> None:
        """Separates the sentence for the user from the technical details.

        Args:
            message: What was given, what was expected, what to do.
            details: Technical text for a report, may be empty.
        """
        super().__init__(message)
        self.message = message
        self.details = details

    @property
    def kind(self) -> str:
        """The name under which the protocol reports this error."""
        return type(self).__name__


class InvalidParameter(EngineError, ValueError):
    """A parameter is missing, unknown, of the wrong type or out of range."""


class RasterUnreadable(EngineError, OSError):
    """A raster is missing, corrupt, truncated or laid out in a way that cannot be right."""


class VectorUnreadable(EngineError, OSError):
    """A vector file is missing, corrupt or has no polygons."""


class LabelsInvalid(EngineError, ValueError):
    """Labels cannot be used: no class field, a single class only, contradicting classes."""


class GeoreferenceMissing(EngineError, ValueError):
    """A raster has no coordinate reference system or no usable geotransform."""


class BandMismatch(EngineError, ValueError):
    """A raster's bands cannot serve the model.

    Attributes:
        missing: The model's bands that the raster lacks; empty when something else is wrong.
    """

    def __init__(self, message: str, details: str = "", missing: Sequence[Band] = ()) -> None:
        """Keeps the missing bands beside the message."""
        super().__init__(message, details)
        self.missing = tuple(missing)


class EmptyArea(EngineError, ValueError):
    """Extent, mask or valid pixels leave nothing to compute."""


class NoOverlap(EngineError, ValueError):
    """Two rasters do not share any ground."""


class ModelInvalid(EngineError, ValueError):
    """A file is not a model, is damaged, or was changed since it was made."""


class ModelTaskMismatch(EngineError, ValueError):
    """A model was made for another task."""


class CheckpointMismatch(EngineError, ValueError):
    """A checkpoint's content does not fit the published format."""


class OutputNotWritable(EngineError, OSError):
    """An output cannot be written where it was asked for."""


class DiskFull(EngineError, OSError):
    """The disk has no room for an output."""


class OutOfMemory(EngineError, MemoryError):
    """The machine or the GPU has too little memory."""


class DeviceUnavailable(EngineError, RuntimeError):
    """The asked device does not exist or did not pass its check."""


class TrainingDiverged(EngineError, ArithmeticError):
    """A loss became NaN or infinite."""


class MissingDependency(EngineError, ImportError):
    """A library of the training tier is not installed."""


class EnvironmentBroken(EngineError, RuntimeError):
    """A library of the engine does not import or does not compute."""


class ScenesFailed(EngineError, RuntimeError):
    """Some of many scenes could not be computed; the others are done."""


class Cancelled(EngineError):
    """The user cancelled; not a failure."""

    def __init__(self, message: str = "Cancelled.", details: str = "") -> None:
        """Cancelling needs no explanation."""
        super().__init__(message, details)


class ClientGone(Cancelled):
    """The client has ended without cancelling, as QGIS does when it crashes."""

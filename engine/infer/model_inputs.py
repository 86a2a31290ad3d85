"""Reads rasters as the inputs of a model: one date, or two dates on one grid."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from ..cards import Card
from ..data.source import RasterSource
from ..errors import BandMismatch

Feeds = dict[str, NDArray[Any]]  # by name of the input, without the batch dimension
Mask = NDArray[np.bool_]
Read = Callable[[Window], "tuple[Feeds, Mask]"]  # the inputs of a window, and its valid pixels


class Reader(Protocol):
    """Gives the inputs of windows."""

    def __call__(self, window: Window) -> tuple[Feeds, Mask]:
        """The inputs of one window, and its valid pixels."""

    def across(self, windows: Sequence[Window]) -> Iterator[tuple[Feeds, Mask]]:
        """The inputs of several windows of one row, and their valid pixels.

        Args:
            windows: From left to right, each overlapping the one before.
        """


class Scene:
    """A raster source with the one normalisation that cannot be in the graph: by the whole scene's statistics."""

    def __init__(self, source: RasterSource, card: Card) -> None:
        """Computes the scene's statistics if the card asks for them.

        Raises:
            EmptyArea: The scene has no valid pixel.
        """
        self._source = source
        self._statistics: tuple[NDArray[np.float32], ...] = ()
        if card.normalisation.kind == "scene-statistics":
            # mean and std, each [C, 1, 1]
            self._statistics = tuple(
                values.astype(np.float32)[:, None, None] for values in source.statistics()
            )

    @property
    def resampled(self) -> bool:
        """As `RasterSource.resampled`."""
        return self._source.resampled

    def read(self, window: Window) -> tuple[NDArray[np.float32], Mask]:
        """A window: image float32 [C, h, w], 0 where invalid or missing, and valid bool [h, w]."""
        image, valid = self._source.read(window)
        if self._statistics:
            mean, std = self._statistics
            image = (image - mean) / std
            image[:, ~valid] = 0
        return image, valid


class SingleDate:
    """Inputs of a model that sees one date."""

    def __init__(self, source: RasterSource, card: Card) -> None:
        """Prepares the scene."""
        self._scene = Scene(source, card)
        self._groups = np.array(source.groups, np.int64)

    def __call__(self, window: Window) -> tuple[Feeds, Mask]:
        """The inputs of a window without the batch dimension, and where they are valid."""
        image, valid = self._scene.read(window)
        return {"image": image, "valid": _as_input(valid), "groups": self._groups}, valid

    def across(self, windows: Sequence[Window]) -> Iterator[tuple[Feeds, Mask]]:
        """The same for windows side by side, from a single read unless the source is resampled."""
        return _across(self, windows, self._scene.resampled)


class TwoDates:
    """Inputs of a model that sees two dates on one grid; a pixel is valid when it is in both."""

    def __init__(self, before: RasterSource, after: RasterSource, card: Card) -> None:
        """Prepares both scenes, each by itself.

        Raises:
            BandMismatch: The dates share no spectral group.
        """
        self._before, self._after = Scene(before, card), Scene(after, card)
        shared = sorted(set(before.groups) & set(after.groups))
        if not shared:
            raise BandMismatch(
                "The two dates have no group of bands in common: the first one provides the model's groups "
                f"{list(before.groups)}, the second one {list(after.groups)}. Choose rasters from the same sensor."
            )
        self._groups = np.array(shared, np.int64)

    def __call__(self, window: Window) -> tuple[Feeds, Mask]:
        """The inputs of a window without the batch dimension, and where both dates are valid."""
        before, valid = self._before.read(window)
        after, valid_after = self._after.read(window)
        valid = valid & valid_after
        before[:, ~valid] = 0
        after[:, ~valid] = 0
        feeds: Feeds = {
            "before": before,
            "after": after,
            "valid": _as_input(valid),
            "groups": self._groups,
        }
        return feeds, valid

    def across(self, windows: Sequence[Window]) -> Iterator[tuple[Feeds, Mask]]:
        """The same for windows side by side, from a single read unless the source is resampled."""
        return _across(self, windows, self._before.resampled or self._after.resampled)


def _across(
    read: SingleDate | TwoDates, windows: Sequence[Window], resampled: bool
) -> Iterator[tuple[Feeds, Mask]]:
    if resampled:
        yield from map(read, windows)
        return
    first, last = windows[0], windows[-1]
    width = last.col_off + last.width - first.col_off
    feeds, valid = read(Window(first.col_off, first.row_off, width, first.height))
    for window in windows:
        columns = slice(
            window.col_off - first.col_off, window.col_off - first.col_off + window.width
        )
        part = {
            name: values if name == "groups" else values[..., columns]
            for name, values in feeds.items()
        }
        yield part, valid[:, columns]


def _as_input(valid: Mask) -> NDArray[np.float32]:
    return valid[None].astype(np.float32)  # [1, h, w]

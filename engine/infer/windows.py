"""A lazy grid of overlapping square windows over a raster."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import overload

from rasterio.windows import Window

from ..errors import InvalidParameter


def overlap_pixels(window: int, percent: int) -> int:
    """The overlap of neighbouring windows in pixels.

    Args:
        window: Side of a window, pixels.
        percent: Overlap in percent of the side.
    """
    return min(window - 1, round(window * percent / 100))


class SlidingWindows(Sequence[Window]):
    """Overlapping windows that cover a raster, row by row; `len()` is their number, `[i]` computes one.

    The last window of a row or column is shifted inward so that it ends at the raster's edge. A raster smaller than a
    window gets one window, which hangs over.
    """

    def __init__(self, height: int, width: int, window: int, overlap: int) -> None:
        """Lays the grid.

        Args:
            height: Rows of the raster.
            width: Columns of the raster.
            window: Side of a window, pixels.
            overlap: Pixels that neighbours share, less than `window`.

        Raises:
            InvalidParameter: A size is not positive or the overlap leaves no step.
        """
        if min(height, width, window) < 1 or not 0 <= overlap < window:
            raise InvalidParameter(
                f"Windows of {window} px with an overlap of {overlap} px are impossible for a raster of {width} x "
                f"{height} px: sizes must be at least 1, and the overlap must be smaller than the window."
            )
        self.window = window
        self.tops = _Starts(height, window, window - overlap)
        self.lefts = _Starts(width, window, window - overlap)

    def __len__(self) -> int:
        """Number of windows."""
        return len(self.tops) * len(self.lefts)

    @overload
    def __getitem__(self, index: int) -> Window: ...

    @overload
    def __getitem__(self, index: slice) -> list[Window]: ...

    def __getitem__(self, index: int | slice) -> Window | list[Window]:
        """The window at a place in row-major order, or those of a slice."""
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if index < 0:
            index += len(self)
        if not 0 <= index < len(self):
            raise IndexError(index)
        return self.at(*divmod(index, len(self.lefts)))

    def touching(self, bounds: Window) -> tuple[range, range]:
        """The windows that share a pixel with `bounds`: their places among `tops`, and among `lefts`."""
        return (
            self.tops.touching(bounds.row_off, bounds.row_off + bounds.height),
            self.lefts.touching(bounds.col_off, bounds.col_off + bounds.width),
        )

    def at(self, row: int, column: int) -> Window:
        """The window at a row and column of the grid of windows."""
        return Window(self.lefts[column], self.tops[row], self.window, self.window)


class _Starts(Sequence[int]):
    """First pixels of the windows along one axis."""

    def __init__(self, size: int, window: int, step: int) -> None:
        self._last = max(0, size - window)
        self._window = window
        self._step = step
        self._count = -(-self._last // step) + 1

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> int: ...

    @overload
    def __getitem__(self, index: slice) -> list[int]: ...

    def __getitem__(self, index: int | slice) -> int | list[int]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not 0 <= index < self._count:
            raise IndexError(index)
        return min(index * self._step, self._last)

    def touching(self, first: int, stop: int) -> range:
        """Places of the windows that share a pixel with `first`..`stop`."""
        return range(bisect_right(self, first - self._window), bisect_left(self, stop))

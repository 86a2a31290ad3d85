"""Runs a model over a raster, window by window, and yields finished rows of probabilities."""

from __future__ import annotations

import threading
import time
from bisect import bisect_right
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from ..data.grid import Grid
from ..data.read_ahead import read_ahead
from ..errors import EmptyArea
from ..language import marked
from ..progress import Progress
from .backend import Backend, check_numbers
from .blend import blend_weights
from .lanes import in_order
from .merge import RowAccumulator, Rows
from .model_inputs import Feeds, Mask, Reader
from .region import Region
from .tally import Tally
from .windows import SlidingWindows, overlap_pixels

_ACROSS = 2048  # columns that are read at once: what neighbouring windows share is read once


@dataclass(frozen=True)
class Earlier:
    """What an earlier run of the same job has finished.

    Attributes:
        rows: Number of finished rows from the top; a strip ends there.
        pixels: Pixels with a result in these rows.
        run: Windows predicted before each strip came out, by the row at which the strip ends.
    """

    rows: int = 0
    pixels: int = 0
    run: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class _Step:
    """A batch of windows to predict together, and how far the work is.

    Attributes:
        top: First row that these windows, or later ones, touch.
        done: Share of the work before them.
        message: What is being done, for a person.
        batch: Each window, its inputs, and the pixels whose result is wanted.
    """

    top: int
    done: float
    message: str
    batch: list[tuple[Window, Feeds, Mask]]


_NOTHING = Earlier()


class Mosaic:
    """Sliding windows, prediction and blending over one grid.

    Attributes:
        grid: Grid of the raster and the result.
        bounds: Window around all pixels whose result is wanted.
        window: Side of a window, pixels.
        tally: Counts of windows and pixels, complete once `rows` is exhausted.
    """

    def __init__(
        self,
        grid: Grid,
        region: Region,
        backend: Backend,
        read: Reader,
        window: int,
        classes: int,
        overlap: int,
    ) -> None:
        """Lays the windows.

        Args:
            grid: Grid of the raster and the result.
            region: Where results are wanted.
            backend: The model.
            read: Gives windows' inputs without the batch dimension ({"image": [C, S, S], ...}), and where they are
                valid, bool [S, S].
            window: S, side of a window, pixels.
            classes: Channels of a prediction.
            overlap: Overlap of windows, percent.
        """
        shared = overlap_pixels(window, overlap)
        self._grid, self._region, self._backend, self._read = grid, region, backend, read
        self._windows = SlidingWindows(grid.height, grid.width, window, shared)
        self.grid, self.bounds, self.window = grid, region.bounds, window
        self._weights = blend_weights(window, shared)
        self._classes = classes
        self.tally = Tally(total=len(self._windows))
        self._counting = threading.Lock()

    @property
    def buffer_bytes(self) -> int:
        """Bytes of the blending buffer."""
        return 4 * (self._classes + 1) * self.window * self.grid.width

    def candidates(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """First rows [n] and columns [n] of the windows that share ground with the region."""
        rows, columns = self._windows.touching(self._region.bounds)
        tops = np.array([self._windows.tops[row] for row in rows], np.int64)
        lefts = np.array([self._windows.lefts[column] for column in columns], np.int64)
        all_tops, all_lefts = (axis.ravel() for axis in np.meshgrid(tops, lefts, indexing="ij"))
        touched = self._region.touches(all_tops, all_lefts, self.window)
        return all_tops[touched], all_lefts[touched]

    def read(self, window: Window) -> tuple[Feeds, Mask] | None:
        """A window's inputs, and its valid pixels whose result is wanted; None when there are none."""
        wanted = self._region.mask(window)
        if not wanted.any():
            return None
        feeds, valid = self._read(window)
        keep = valid & wanted
        return (feeds, keep) if keep.any() else None

    def rows(self, progress: Progress, earlier: Earlier = _NOTHING) -> Generator[Rows, None, None]:
        """Predicts from top to bottom: one thread reads ahead, others predict, and the caller's thread blends.

        To resume, the windows that reach below the finished rows are predicted once more. As the same windows are then
        added in the same order, every row equals that of an uninterrupted run, to the last bit.

        Args:
            progress: Updated at every window; a cancel takes effect there.
            earlier: What is finished already.

        Yields:
            The remaining rows of the raster in order; outside the region they are unknown. Each is a view that is
            valid only until the next is requested.

        Raises:
            EmptyArea: No pixel of the region is valid.
        """
        yield from self.strip(progress, earlier, self._grid.height)
        self.require_a_window()

    def strip(self, progress: Progress, earlier: Earlier, until: int) -> Iterator[Rows]:
        """As `rows`, for the rows above `until` only: one of `tops`, or the raster's height."""
        first, top = self.start(earlier.rows)
        self.tally.run = earlier.run.get(top, 0)
        self.tally.pixels = self.tally.earlier = earlier.pixels
        if first:
            progress.skip(first / len(self._windows.touching(self._region.bounds)[0]))
        merged = RowAccumulator(self._classes, *self._grid.shape, self._weights, top)
        lanes, batch = self._backend.lanes, self._backend.batch
        ahead = max(1, (lanes + 1) // batch)  # only one large batch waits: each takes much memory
        with (
            closing(read_ahead(self._steps(first, until), depth=ahead)) as steps,
            closing(in_order(steps, self._predict, lanes)) as predicted,
        ):
            for step, scores in predicted:
                progress.update(step.done, step.message)
                yield from self._further(merged.release(step.top), earlier.rows)
                for (window, _, keep), prediction in zip(step.batch, scores):
                    merged.add(window, prediction, keep)
                self.tally.run += len(step.batch)
        yield from self._further(merged.release(until), earlier.rows)

    def require_a_window(self) -> None:
        """Raises `EmptyArea` when no window held a valid pixel."""
        if not self.tally.run:
            raise EmptyArea(
                "There are no valid pixels in the area: the raster has no data there. Choose another area, or check "
                "the no-data values."
            )

    def tops(self, done: int) -> list[int]:
        """First pixel rows, below `done`, of the rows of windows in the region."""
        places, _ = self._windows.touching(self._region.bounds)
        return [top for top in (self._windows.tops[place] for place in places) if top > done]

    def start(self, done: int) -> tuple[int, int]:
        """Where to resume when `done` rows are finished: (row of windows in the region, pixel row)."""
        places, _ = self._windows.touching(self._region.bounds)
        tops = [self._windows.tops[place] for place in places]
        first = bisect_right(tops, done - self._windows.window)  # the first that reaches below them
        return first, min([done, *tops[first : first + 1]])

    def _steps(self, first: int, until: int) -> Iterator[_Step]:
        """Reads the windows of the region, a batch a step; a step with an empty batch only reports progress.

        Args:
            first: Rows of windows to skip.
            until: Windows that begin at or below this pixel row are left out.
        """
        places, columns = self._windows.touching(self._region.bounds)
        for done, place in enumerate(places[first:], first):
            message = marked(f"Windows: row {done + 1} of {len(places)}")
            top = self._windows.tops[place]
            if top >= until:
                return
            waiting: list[tuple[Window, Feeds, Mask]] = []
            for at, found in enumerate(self._row(place, columns)):
                if found is not None:
                    waiting.append(found)
                if 0 < len(waiting) < self._backend.batch and at + 1 < len(columns):
                    continue  # wait for a full batch, so that the queue of steps holds only full ones
                share = (done + at / len(columns)) / len(places)
                yield _Step(top, share, message, waiting)
                waiting = []

    def _row(self, place: int, columns: range) -> Iterator[tuple[Window, Feeds, Mask] | None]:
        """Each window of a row with its inputs and wanted pixels; None for a window without any."""
        run: list[tuple[Window, Mask]] = []
        for column in columns:
            window = self._windows.at(place, column)
            wanted = self._region.mask(window)
            if wanted.any():
                run.append((window, wanted))
            end = not wanted.any() or column == columns[-1]
            if run and (end or window.col_off + window.width - run[0][0].col_off >= _ACROSS):
                read = self._read.across([window for window, _ in run])
                for (place_of, asked), (feeds, valid) in zip(run, read):
                    keep = valid & asked
                    yield (place_of, feeds, keep) if keep.any() else None
                run = []
            if not wanted.any():
                yield None

    def _predict(self, step: _Step) -> NDArray[Any]:
        """Probabilities of a step's windows [B, K, S, S]; empty [0] for a step without windows."""
        if not step.batch:
            return np.zeros(0, np.float32)
        batch = stack([feeds for _, feeds, _ in step.batch])
        for _, feeds, _ in step.batch:
            feeds.clear()  # free the inputs: only the result has to wait for its turn to be blended
        started = time.perf_counter()
        scores = self._backend.predict(batch)
        seconds = time.perf_counter() - started
        with self._counting:
            self.tally.model_seconds += seconds
        return scores

    def _further(self, released: Iterator[Rows], done: int) -> Iterator[Rows]:
        """Passes on the rows below `done`: those above lack the windows that were not run again.

        Raises:
            ModelInvalid: The model gave NaN.
        """
        for rows in released:
            if rows.top >= done:
                # Probabilities come from a softmax: where one class is NaN, all are, so checking the first is enough.
                check_numbers(rows.probabilities[0], rows.known)
                self.tally.pixels += int(np.count_nonzero(rows.known))
                yield rows


def stack(feeds: list[Feeds]) -> Feeds:
    """Stacks the inputs of single windows into a batch; the spectral groups are the same for all."""
    return {
        name: feeds[0][name] if name == "groups" else np.stack([single[name] for single in feeds])
        for name in feeds[0]
    }

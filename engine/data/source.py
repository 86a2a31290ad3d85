"""A raster as a model's input: the model's bands in its unit, on one grid, with a mask of valid pixels."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from contextlib import ExitStack
from functools import cached_property
from types import TracebackType
from typing import Any

import numpy as np
from rasterio.windows import Window

from ..bands import BandMatch, match_bands
from ..cards import Card
from ..errors import BandMismatch, EmptyArea, NoOverlap
from .describe import Description, describe
from .evidence import CHUNKS, FEW_CHUNKS, gather, sample_windows, telling_bands
from .far import few_questions, open_sources
from .filled_blocks import UNKNOWN, FilledBlocks
from .grid import Grid
from .nodata import Validity
from .opening import files_of, grid_of, open_raster, readable
from .placement import Placement
from .scaling import Evidence, Scaling, decide
from .storage import has_overviews, row_bytes

_BORDER = 2  # pixels of an overview into which the filter of JPEG 2000 mixes what is beside them


class RasterSource:
    """Reads windows of a raster as a model's input.

    Use `RasterSource.open` as a context manager. One thread at a time may read.

    Attributes:
        path: The raster.
        grid: Grid of the pixels that are read: the raster's own, or another one that it is resampled to.
        match: Which raster band is used for which model band.
        scaling: How stored values are converted to the model's unit; described by its `text`.
        nodata: What counts as no-data, as text for people.
        overviews: Whether the file has overviews, so that decimated reads are fast.
        warnings: Assumptions that the user should know of.
    """

    def __init__(
        self,
        path: str,
        dataset: Any,
        card: Card,
        description: Description,
        place: Placement,
        match: BandMatch,
        extra: Sequence[float],
    ) -> None:
        """Use `open`."""
        self.path, self.match, self.grid = path, match, place.grid
        self._dataset, self._card, self._place = dataset, card, place
        self._indexes = list(match.indexes)
        self._positions = list(match.positions)
        open_sources(path)
        dtypes = {dataset.dtypes[index - 1] for index in self._indexes}
        self._dtype = str(np.result_type(*dtypes)) if len(dtypes) > 1 else dtypes.pop()
        with few_questions(path):  # GDAL opens a virtual raster's sources for these
            self.overviews = has_overviews(dataset, self._indexes)
            self._validity = Validity(dataset, self._indexes, extra)
            self.scaling = self._decide(description)
        self.nodata = self._validity.text
        self.warnings = self.scaling.warnings
        self._statistics: tuple[np.ndarray, np.ndarray] | None = None
        self._stack = ExitStack()

    @classmethod
    def open(
        cls,
        path: str,
        card: Card,
        *,
        bands: Sequence[int] = (),
        nodata: Sequence[float] = (),
        crs: str = "",
        grid: Grid | None = None,
    ) -> RasterSource:
        """Opens a raster for a model.

        Args:
            path: Raster file or GDAL connection string.
            card: The model's card.
            bands: Raster band numbers in the order of the model's bands; empty is automatic.
            nodata: Additional no-data values.
            crs: CRS to assume if the file has none.
            grid: Grid to resample the raster to, such as the first date's; None keeps its own.

        Raises:
            RasterUnreadable: The file is missing, damaged, or not laid out as a raster.
            GeoreferenceMissing: It has no CRS or no geotransform.
            BandMismatch: Its bands do not suit the model.
            NoOverlap: `grid` and the raster do not overlap.
        """
        with ExitStack() as stack:
            dataset = stack.enter_context(open_raster(path))
            own = grid_of(dataset, path, crs)
            place = Placement(own, grid or own)
            if not place.overlaps():
                raise NoOverlap(
                    f"The raster {path} does not overlap the first one: its bounds are {_told(own)}, those of the "
                    f"first one {_told(place.grid)}. Choose two rasters of the same place, and check the CRS of both "
                    "layers."
                )
            description = describe(dataset, path)
            try:
                match = match_bands(
                    description.descriptors,
                    card.bands,
                    card.spectral_patch,
                    card.optional_groups,
                    explicit=bands,
                    sensor=description.sensor,
                )
            except BandMismatch as error:  # name the raster, as there may be several
                message = f"{path}: {error.message}"
                raise BandMismatch(message, error.details, error.missing) from error
            source = cls(path, dataset, card, description, place, match, nodata)
            source._stack = stack.pop_all()
        return source

    def __enter__(self) -> RasterSource:
        """The source itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Closes the file."""
        self.close()

    def on_grid(self, grid: Grid) -> RasterSource:
        """The same open raster on another grid; it is closed with this one, and must not be read at the same time."""
        other = copy.copy(self)
        other.grid, other._place, other._stack = grid, Placement(self._place.own, grid), ExitStack()
        return other

    def close(self) -> None:
        """Closes the file."""
        self._stack.close()

    @property
    def files(self) -> tuple[str, ...]:
        """The files of the raster, see `files_of`."""
        return files_of(self._dataset)

    @cached_property
    def row_bytes(self) -> int:
        """Bytes of the blocks that are decoded to read along a row, see `storage.row_bytes`."""
        return row_bytes(self._dataset, self._indexes)

    @property
    def nbytes(self) -> int:
        """Uncompressed size of all bands, bytes."""
        pixels = int(self._dataset.width) * int(self._dataset.height)
        return pixels * sum(np.dtype(name).itemsize for name in self._dataset.dtypes)

    def held(self, tops: np.ndarray, lefts: np.ndarray, side: int) -> np.ndarray:
        """Whether windows of the grid hold valid pixels, without reading them: see `FilledBlocks.under`; int8 [n].

        Args:
            tops: First rows, int64 [n].
            lefts: First columns, int64 [n].
            side: Side of the windows, pixels.
        """
        blocks = None
        if self.nodata and self._place.shift is not None:
            blocks = FilledBlocks.of(self._dataset, self._indexes[0])
        if blocks is None:
            return np.full(len(tops), UNKNOWN, np.int8)
        columns, rows = self._place.shift or (0, 0)
        return blocks.under(tops - rows, lefts - columns, side)

    @property
    def groups(self) -> tuple[int, ...]:
        """Ascending indices of the spectral groups that are present."""
        return self.match.groups

    def read(self, window: Window) -> tuple[np.ndarray, np.ndarray]:
        """Reads one window of the grid.

        Args:
            window: A window of whole pixels; parts outside the raster are invalid.

        Returns:
            Image float32 [C, h, w] in the card's unit with the model's C bands, 0 where invalid or
            missing; valid pixels bool [h, w].

        Raises:
            RasterUnreadable: The pixels cannot be read.
        """
        shape = (len(self._card.bands), int(window.height), int(window.width))
        part = self.grid.clip(window)
        if part.width < 1 or part.height < 1:
            return np.zeros(shape, np.float32), np.zeros(shape[1:], bool)
        if self._place.shift is not None:
            values, inside, part = self._read_shifted(part)
        else:
            values, inside = self._read_warped(part)
        if values is None:
            return np.zeros(shape, np.float32), np.zeros(shape[1:], bool)
        if not inside.all():
            values[:, ~inside] = 0
        if values.shape == shape and self._positions == list(range(shape[0])):
            return values, inside
        image, valid = np.zeros(shape, np.float32), np.zeros(shape[1:], bool)
        top, left = int(part.row_off - window.row_off), int(part.col_off - window.col_off)
        rows, columns = slice(top, top + part.height), slice(left, left + part.width)
        for position, band in zip(self._positions, values):
            image[position, rows, columns] = band
        valid[rows, columns] = inside
        return image, valid

    @property
    def resampled(self) -> bool:
        """Whether pixels are resampled; then a part of a window that is read separately may differ in the last bits."""
        return self._place.shift is None

    def statistics(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of each model band over the scene's valid pixels.

        They come from a decimated read and are in the card's unit; 0 and 1 for missing bands.

        Returns:
            Two float64 arrays [C].

        Raises:
            EmptyArea: The raster has no valid pixel.
        """
        if self._statistics is None:
            self._statistics = self._measured()
        return self._statistics

    def _measured(self) -> tuple[np.ndarray, np.ndarray]:
        sample = self._sample(self._indexes, CHUNKS)
        if sample[0].size == 0:
            raise EmptyArea(
                f"The raster {self.path} has no valid pixels ({self.nodata or 'no no-data set'}). Check its no-data "
                "value and the extent."
            )
        mean = np.zeros(len(self._card.bands))
        std = np.ones(len(self._card.bands))
        for place, position in enumerate(self._positions):
            values = sample[place].astype(np.float64)
            factor, offset = self.scaling.factors[place], self.scaling.offsets[place]
            mean[position] = values.mean() * factor + offset
            std[position] = values.std() * abs(factor)
        return mean, np.maximum(std, 1e-6)

    # Reading

    def _read_shifted(self, part: Window) -> tuple[np.ndarray | None, np.ndarray, Window]:
        """Reads pixels that coincide with the grid's, without resampling."""
        columns, rows = self._place.shift or (0, 0)
        wanted = Window(part.col_off - columns, part.row_off - rows, part.width, part.height)
        own = self._place.own.clip(wanted)
        if own.width < 1 or own.height < 1:
            return None, np.zeros((0, 0), bool), part
        values, inside = self._read_own(own)
        return (
            values,
            inside,
            Window(own.col_off + columns, own.row_off + rows, own.width, own.height),
        )

    def _read_warped(self, part: Window) -> tuple[np.ndarray | None, np.ndarray]:
        """Reads pixels resampled onto the grid: bilinear from valid pixels only; nearest neighbour for validity."""
        own = self._place.source_window(part)
        if own is None:
            return None, np.zeros((0, 0), bool)
        values, inside = self._read_own(own, self._place.reading_shape(own))
        return self._place.warp(values, inside, own, part)

    def _read_own(
        self, window: Window, out_shape: tuple[int, int] | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Reads scaled values and validity of a window of the file's own pixels."""
        values, valid = self._raw(self._indexes, window, out_shape)
        return self.scaling.apply(values), valid

    def _raw(
        self, indexes: list[int], window: Window, out_shape: tuple[int, int] | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Reads stored values of some bands, the used ones first, and validity by the used ones."""
        rows, columns = out_shape or (int(window.height), int(window.width))
        where = f"row {int(window.row_off)}, column {int(window.col_off)}"
        mixed = len({self._dataset.dtypes[index - 1] for index in indexes}) > 1
        # rasterio cannot read bands of different types together.
        together = [[index] for index in indexes] if mixed else [indexes]
        with readable(self.path, where):
            read = [
                self._dataset.read(some, window=window, out_shape=(len(some), rows, columns))
                for some in together
            ]
            values = np.concatenate(read, dtype=self._dtype) if mixed else read[0]
            valid = self._validity(values[: len(self._indexes)], window)
        return values, valid

    # Looking at the whole scene

    def _sample(self, indexes: list[int], chunks: int) -> list[np.ndarray]:
        """Stored values of valid pixels, one array for each band; the used bands come first."""
        read = []
        for window, shape in sample_windows(self._place.own, self.overviews, chunks):
            values, valid = self._raw(indexes, window, shape)
            if self.overviews and self._dataset.driver == "VRT":
                valid = _off_borders(valid)
            read.append(values[:, valid])  # [bands, pixels]
        return list(np.concatenate(read, axis=1))

    def _decide(self, description: Description) -> Scaling:
        """Decides on the scaling, from a sample of pixels unless the model takes raw values."""
        if self._card.unit == "raw":
            count = len(self._indexes)
            return decide(Evidence(self._dtype, (1.0,) * count, (0.0,) * count), "raw")
        indexes = list(self._indexes)
        for index in telling_bands(description, self.match):
            if index not in indexes and self._dataset.dtypes[index - 1] == self._dtype:
                indexes.append(index)
        values = self._sample(indexes, FEW_CHUNKS)
        if values[0].size == 0:  # a small area of data in a large raster
            values = self._sample(indexes, CHUNKS)
        return decide(gather(self._dataset, description, self.match, self._dtype, indexes, values))


def _off_borders(valid: np.ndarray) -> np.ndarray:
    """Valid pixels that have no invalid one near, or all if these are most.

    Files behind a virtual raster may not declare what it takes for no-data, such as the 0 in JPEG 2000. Their overviews
    mix it into the pixels beside it, whose dark values would look like another unit.
    """
    side = 2 * _BORDER + 1
    padded = np.pad(valid, _BORDER, constant_values=True)
    inner = np.asarray(np.lib.stride_tricks.sliding_window_view(padded, (side, side)).all((2, 3)))
    return inner if 2 * inner.sum() > valid.sum() else valid


def _told(grid: Grid) -> str:
    bounds = ", ".join(f"{value:.6g}" for value in grid.bounds)
    return f"({bounds}) in {grid.crs.to_string()[:40]}"

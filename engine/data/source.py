"""A raster as a model sees it: its bands, in its unit, on one grid, with the valid pixels known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import numpy as np
from rasterio.windows import Window

from ..bands import BandMatch, Identity, match_bands
from ..cards import Card
from ..errors import EmptyArea, NoOverlap
from .describe import Description, describe
from .grid import Grid
from .nodata import Validity
from .opening import grid_of, open_raster, readable
from .placement import Placement
from .scaling import Evidence, Scaling, decide

_SAMPLE_SIDE = 768  # pixels of a decimated read
_WHOLE_SIDE = 2048  # rasters up to this size are decimated from all their pixels
_CHUNKS, _CHUNK_SIDE = 8, 128  # larger ones without overviews: a lattice of small windows
_LEVEL1 = ("L1TP", "L1GT", "L1GS", "_L1T", "_TOA")


@dataclass(frozen=True)
class _Sample:
    """Stored values of valid pixels: one array for each sampled band."""

    values: list[np.ndarray]
    zeros: int


class RasterSource:
    """Reads windows of a raster as a model's input.

    Use `RasterSource.open` as a context manager. One thread at a time may read.

    Attributes:
        path: The raster.
        grid: Where its pixels (or, put on another grid, that grid's pixels) lie.
        match: Which raster band serves which model band.
        scaling: How stored values become the model's unit; `.text` tells it.
        nodata: What counts as no-data, in words.
        warnings: What was assumed and should be told to the user.
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
        self._validity = Validity(dataset, self._indexes, extra)
        dtypes = {dataset.dtypes[index - 1] for index in self._indexes}
        self._dtype = str(np.result_type(*dtypes)) if len(dtypes) > 1 else dtypes.pop()
        self.nodata = self._validity.text
        self.scaling = self._decide(description)
        self.warnings = self.scaling.warnings
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
            crs: CRS to assume when the file has none.
            grid: Put the raster on this grid (the first date's); None keeps its own.

        Raises:
            RasterUnreadable: Missing, damaged or not laid out as a raster.
            GeoreferenceMissing: No CRS or geotransform.
            BandMismatch: The bands cannot serve the model.
            NoOverlap: `grid` and the raster share no ground.
        """
        with ExitStack() as stack:
            dataset = stack.enter_context(open_raster(path))
            own = grid_of(dataset, path, crs)
            place = Placement(own, grid or own)
            if not place.overlaps():
                raise NoOverlap(
                    f"The raster {path} does not overlap the first one: its bounds are "
                    f"{_told(own)}, the first one's {_told(place.grid)}. "
                    "Choose two rasters of the same place, and check both layers' CRS."
                )
            description = describe(dataset, path)
            match = match_bands(
                description.descriptors,
                card.bands,
                card.spectral_patch,
                card.optional_groups,
                explicit=bands,
                sensor=description.sensor,
            )
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

    def close(self) -> None:
        """Closes the file."""
        self._stack.close()

    @property
    def groups(self) -> tuple[int, ...]:
        """Ascending indices of the spectral groups that are present."""
        return self.match.groups

    def read(self, window: Window) -> tuple[np.ndarray, np.ndarray]:
        """Reads one window of the grid.

        Args:
            window: Whole pixels; may overhang the raster, the overhang is invalid.

        Returns:
            Image float32 [C, h, w] in the card's unit, C the model's bands, 0 where invalid or
            missing; valid bool [h, w].

        Raises:
            RasterUnreadable: The pixels cannot be read.
        """
        height, width = int(window.height), int(window.width)
        image = np.zeros((len(self._card.bands), height, width), np.float32)  # [C, h, w]
        valid = np.zeros((height, width), bool)
        part = self.grid.clip(window)
        if part.width < 1 or part.height < 1:
            return image, valid
        if self._place.shift is not None:
            values, inside, part = self._read_shifted(part)
        else:
            values, inside = self._read_warped(part)
        if values is None:
            return image, valid
        if not inside.all():
            values[:, ~inside] = 0
        top, left = int(part.row_off - window.row_off), int(part.col_off - window.col_off)
        rows, columns = slice(top, top + part.height), slice(left, left + part.width)
        image[self._positions, rows, columns] = values
        valid[rows, columns] = inside
        return image, valid

    def statistics(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of each model band over the scene's valid pixels.

        From a decimated read, in the card's unit; 0 and 1 for missing bands.

        Returns:
            Two float64 arrays [C].

        Raises:
            EmptyArea: The raster has no valid pixel.
        """
        sample = self._sample(self._indexes)
        if not sample.values or sample.values[0].size == 0:
            raise EmptyArea(
                f"The raster {self.path} has no valid pixel ({self.nodata or 'no no-data set'}). "
                "Check its no-data value and the extent."
            )
        mean = np.zeros(len(self._card.bands))
        std = np.ones(len(self._card.bands))
        for place, position in enumerate(self._positions):
            values = sample.values[place].astype(np.float64)
            factor, offset = self.scaling.factors[place], self.scaling.offsets[place]
            mean[position] = values.mean() * factor + offset
            std[position] = values.std() * abs(factor)
        return mean, np.maximum(std, 1e-6)

    # Reading

    def _read_shifted(self, part: Window) -> tuple[np.ndarray | None, np.ndarray, Window]:
        """Pixels that coincide with the grid's: no resampling."""
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
        """Pixels resampled onto the grid: bilinear, valid pixels only; nearest for validity."""
        own = self._place.source_window(part)
        if own is None:
            return None, np.zeros((0, 0), bool)
        values, inside = self._read_own(own, self._place.reading_shape(own))
        return self._place.warp(values, inside, own, part)

    def _read_own(
        self, window: Window, out_shape: tuple[int, int] | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Scaled values and validity of a window of the file's own pixels."""
        values, valid = self._raw(self._indexes, window, out_shape)
        return self.scaling.apply(values), valid

    def _raw(
        self, indexes: list[int], window: Window, out_shape: tuple[int, int] | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Stored values of some bands and validity by the used ones, in one read."""
        rows, columns = out_shape or (int(window.height), int(window.width))
        where = f"row {int(window.row_off)}, column {int(window.col_off)}"
        mixed = len({self._dataset.dtypes[index - 1] for index in indexes}) > 1
        with readable(self.path, where):
            values = self._dataset.read(
                indexes,
                window=window,
                out_shape=(len(indexes), rows, columns),
                out_dtype=self._dtype if mixed else None,
            )
            valid = self._validity(values[: len(self._indexes)], window)
        return values, valid

    # Looking at the whole scene

    def _sample_windows(self) -> Iterator[tuple[Window, tuple[int, int]]]:
        """Windows of the file's own pixels that stand for the scene, with the shape to read."""
        own = self._place.own
        overviews = bool(self._dataset.overviews(self._indexes[0]))
        if overviews or max(own.shape) <= _WHOLE_SIDE:
            shrink = max(1.0, max(own.shape) / _SAMPLE_SIDE)
            yield (
                own.window,
                (max(1, round(own.height / shrink)), max(1, round(own.width / shrink))),
            )
            return
        rows = np.linspace(0, max(own.height - _CHUNK_SIDE, 0), _CHUNKS).astype(int)
        columns = np.linspace(0, max(own.width - _CHUNK_SIDE, 0), _CHUNKS).astype(int)
        for row in dict.fromkeys(rows.tolist()):
            for column in dict.fromkeys(columns.tolist()):
                window = own.clip(Window(column, row, _CHUNK_SIDE, _CHUNK_SIDE))
                yield window, (int(window.height), int(window.width))

    def _sample(self, indexes: list[int]) -> _Sample:
        """Valid pixels of the scene; `indexes` begin with the used bands."""
        chunks: list[np.ndarray] = []
        zeros = 0
        for window, shape in self._sample_windows():
            values, valid = self._raw(indexes, window, shape)
            if self._validity.zeros:
                zeros += int((~values[: len(self._indexes)].any(axis=0)).sum())
            chunks.append(values[:, valid])  # [bands, pixels]
        return _Sample(list(np.concatenate(chunks, axis=1)), zeros)

    def _decide(self, description: Description) -> Scaling:
        """Looks at the pixels where the unit must be guessed from them."""
        dataset, indexes = self._dataset, self._indexes
        scales = tuple(float(dataset.scales[index - 1]) for index in indexes)
        offsets = tuple(float(dataset.offsets[index - 1]) for index in indexes)
        if self._card.unit == "raw":
            return decide(Evidence(self._dtype, scales, offsets), "raw")
        names = self._names(description)
        others = [index for index in names if index not in indexes]
        same = [i for i in others if dataset.dtypes[i - 1] == self._dtype]
        sampled = indexes + same
        values = self._sample(sampled).values
        filled = [v for v in values if v.size]
        evidence = Evidence(
            dtype=self._dtype,
            scales=scales,
            offsets=offsets,
            sensor=self.match.sensor,
            sentinel=bool(filled) and self._may_be_sentinel(description),
            baseline=description.baseline,
            offset=description.offset,
            low={
                names[index]: float(np.percentile(v, 0.1))
                for index, v in zip(sampled, values)
                if v.size and index in names
            },
            high=max(
                (float(np.percentile(v, 99)) for v in values[: len(indexes)] if v.size), default=0.0
            ),
            pixels=filled[0].size if filled else 0,
            level1=any(mark in text for text in description.texts for mark in _LEVEL1),
        )
        return decide(evidence)

    def _may_be_sentinel(self, description: Description) -> bool:
        sensor = self.match.sensor
        return sensor == "Sentinel-2" or (not sensor and len(description.descriptors) <= 16)

    def _names(self, description: Description) -> dict[int, str]:
        """Sentinel-2 names of the bands that can tell about the added offset."""
        names = {
            identity.index: identity.sentinel
            for identity in self.match.identities
            if identity.sentinel
        }
        for entry in self.match.entries:
            if entry.raster is not None:
                names.setdefault(entry.raster, entry.model)
        if len(description.descriptors) <= 16:
            for identity in self.match.identities:
                if _says_nothing(identity):  # a cloud mask would have a name
                    names.setdefault(identity.index, f"band {identity.index}")
        return names


def _says_nothing(identity: Identity) -> bool:
    return not identity.text and identity.wavelength is None


def _told(grid: Grid) -> str:
    bounds = ", ".join(f"{value:.6g}" for value in grid.bounds)
    return f"({bounds}) in {grid.crs.to_string()[:40]}"

"""Writes GeoTIFFs row by row: tiled, compressed, with overviews, colours and class names."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any
from xml.etree import ElementTree  # nosec B405

import numpy as np
import rasterio
import rasterio.shutil
from numpy.typing import NDArray
from rasterio.enums import ColorInterp, Resampling
from rasterio.errors import RasterioError
from rasterio.windows import Window

from ..cards import ModelClass
from ..data.grid import Grid
from ..memory_limit import raster_cache
from .backend import usable_threads
from .staging import write_error

BLOCK = 512
# A large raster that is almost empty gets nearest-neighbour overviews: those of the most frequent class take 20 times
# as long, even over no-data (minutes for a small extent of 60000 x 60000 pixels).
_LARGE, _HARDLY = 1 << 28, 0.01
_MOST_THREADS = 8  # a read at a time has few more blocks to decode
_LEVEL = 4  # deflate level; GDAL's default 6 takes three to four times as long to save a tenth
_WRITE_ERRORS = (RasterioError, OSError, rasterio._err.CPLE_BaseError)


@dataclass(frozen=True)
class Layer:
    """What a raster holds and how it is to be read and shown.

    Attributes:
        description: Name of the band.
        dtype: numpy name of the type.
        nodata: Value of pixels without a result.
        classes: Classes of a class map, for colour table, category names and attribute table.
        tags: Metadata items that say how the raster was made.
    """

    description: str
    dtype: str
    nodata: float
    classes: Sequence[ModelClass] = ()
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def resampling(self) -> Resampling:
        """Resampling of the overviews."""
        return Resampling.mode if self.classes else Resampling.average

    @property
    def predictor(self) -> int:
        """TIFF predictor: none for classes, horizontal for integers, floating-point for floats."""
        if self.classes:
            return 1
        return 3 if np.issubdtype(np.dtype(self.dtype), np.floating) else 2


def class_dtype(classes: Sequence[ModelClass], nodata: int) -> str:
    """The smallest unsigned type for a class map."""
    return str(np.min_scalar_type(max([nodata, *(item.value for item in classes)])))


@contextmanager
def raster_environment(threads: int = 0) -> Iterator[None]:
    """GDAL settings of a job: a bounded cache, sparse files and overviews, several threads.

    Args:
        threads: Threads in which GDAL decodes, encodes and resamples blocks, 0 = all; at most `_MOST_THREADS`.
    """
    several = min(usable_threads(threads), _MOST_THREADS)
    cache = raster_cache()
    with rasterio.Env(GDAL_CACHEMAX=cache, SPARSE_OK_OVERVIEW=True, GDAL_NUM_THREADS=several):
        yield


def overview_factors(shape: tuple[int, int]) -> list[int]:
    """Factors of overviews down to a single block, for a raster of (rows, columns)."""
    return [2**power for power in range(1, 16) if max(shape) / 2 ** (power - 1) > BLOCK]


class RasterWriter:
    """Writes a single-band GeoTIFF from top to bottom; a context manager.

    Rows are buffered until a row of blocks is complete, so that every block is compressed only once.
    """

    def __init__(self, path: Path, grid: Grid, layer: Layer, cog: bool = False) -> None:
        """Creates the file.

        Args:
            path: File to write; it is incomplete until the writer is closed.
            grid: Size, place and CRS.
            layer: What it holds.
            cog: Whether it becomes a Cloud Optimized GeoTIFF.

        Raises:
            OutputNotWritable: It cannot be created.
            DiskFull: The disk has no room.
        """
        self._path, self._grid, self._layer, self._cog = path, grid, layer, cog
        block = min(BLOCK, -(-max(grid.height, grid.width) // 16) * 16)
        self._buffer = np.full((block, grid.width), layer.nodata, layer.dtype)
        self._top = self._filled = 0
        self._checksum = self._known = 0
        with _write_errors(path):
            self._dataset = rasterio.open(
                path,
                "w",
                driver="GTiff",
                height=grid.height,
                width=grid.width,
                count=1,
                dtype=layer.dtype,
                crs=grid.crs,
                transform=grid.transform,
                nodata=layer.nodata,
                tiled=True,
                blockxsize=block,
                blockysize=block,
                compress="deflate",
                zlevel=_LEVEL,
                predictor=layer.predictor,
                bigtiff="IF_SAFER",
                SPARSE_OK=True,
            )
            self._describe(self._dataset)

    def __enter__(self) -> RasterWriter:
        """Does nothing: the constructor opens the file."""
        return self

    @property
    def known(self) -> int:
        """Pixels with a result, complete when the writer is closed."""
        return self._known

    def write(self, rows: NDArray[Any]) -> None:
        """Appends rows.

        Args:
            rows: [n, width], of the layer's type.

        Raises:
            OutputNotWritable: The file cannot be written.
            DiskFull: The disk has no room.
        """
        start = 0
        while start < len(rows):
            count = min(len(rows) - start, len(self._buffer) - self._filled)
            self._buffer[self._filled : self._filled + count] = rows[start : start + count]
            self._filled += count
            start += count
            if self._filled == len(self._buffer):
                self._flush()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Completes the file; after an error it only closes it, and the caller removes it."""
        if kind is not None:
            with suppress(*_WRITE_ERRORS):
                self._dataset.close()
            return
        if self._filled:
            self._flush()
        with _write_errors(self._path):
            self._dataset.close()
            self._add_overviews()
            if self._cog:
                self._to_cog()
            if self._layer.classes:
                write_categories(Path(f"{self._path}.aux.xml"), self._layer)
            self._verify()

    def _flush(self) -> None:
        window = Window(0, self._top, self._grid.width, self._filled)
        with _write_errors(self._path):
            self._dataset.write(self._buffer[: self._filled], 1, window=window)
        self._checksum = zlib.crc32(self._buffer[: self._filled].data, self._checksum)
        self._known += self._count_known(self._buffer[: self._filled])
        self._top += self._filled
        self._filled = 0

    def _describe(self, dataset: Any) -> None:
        dataset.set_band_description(1, self._layer.description)
        dataset.update_tags(**self._layer.tags)
        colours = {item.value: (*item.rgb, 255) for item in self._layer.classes}
        # TIFF has colour tables for 8 and 16 bits only; larger class values keep names and attribute table.
        if colours and self._layer.dtype in ("uint8", "uint16"):
            dataset.write_colormap(1, {int(self._layer.nodata): (0, 0, 0, 0), **colours})
            dataset.colorinterp = [ColorInterp.palette]

    @property
    def _factors(self) -> list[int]:
        return overview_factors(self._grid.shape)

    def _add_overviews(self) -> None:
        if self._factors:
            with rasterio.open(self._path, "r+") as dataset:
                resampling = Resampling.nearest if self._nearly_empty else self._layer.resampling
                dataset.build_overviews(self._factors, resampling)

    @property
    def _nearly_empty(self) -> bool:
        """Whether a large raster holds hardly any result; to be asked when all is written."""
        pixels = self._grid.height * self._grid.width
        return pixels > _LARGE and self._known < _HARDLY * pixels

    def _to_cog(self) -> None:
        plain = self._path.with_suffix(".plain.tif")
        self._path.replace(plain)
        rasterio.shutil.copy(
            plain,
            self._path,
            driver="COG",
            compress="deflate",
            predictor=self._layer.predictor,
            bigtiff="IF_SAFER",
            overviews="FORCE_USE_EXISTING",
            sparse_ok=True,
        )
        plain.unlink()

    def _verify(self) -> None:
        """Reads the file back, as GDAL does not report blocks that a full disk lost while the file was being closed.

        An overview pixel is known wherever one below it is, so an overview cannot hold less than its share of known
        pixels, unless it is a nearest-neighbour one.
        """
        step, checksum = len(self._buffer), 0
        with rasterio.open(self._path) as dataset:
            levels = dataset.overviews(1)
            for top in range(0, self._grid.height, step):
                rows = min(step, self._grid.height - top)
                window = Window(0, top, self._grid.width, rows)
                checksum = zlib.crc32(dataset.read(1, window=window), checksum)
        if checksum != self._checksum or len(levels) < len(self._factors):
            raise OSError("the file does not hold what was written")
        for index, factor in enumerate(levels):
            with rasterio.open(self._path, overview_level=index) as dataset:
                known = sum(
                    self._count_known(dataset.read(1, window=window))
                    for _, window in dataset.block_windows(1)
                )
                most = -(-self._grid.height // dataset.height) * -(
                    -self._grid.width // dataset.width
                )
            if known * most < self._known and not self._nearly_empty:
                raise OSError(f"the overview 1:{factor} is incomplete")

    def _count_known(self, values: NDArray[Any]) -> int:
        return int(np.count_nonzero(values != self._layer.nodata))


@contextmanager
def _write_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except _WRITE_ERRORS as error:
        raise write_error(path, error) from error


def write_categories(path: Path, layer: Layer) -> None:
    """Writes the sidecar from which GDAL, and so QGIS, reads category names and the attribute table.

    rasterio can write neither; the format is GDAL's persistent auxiliary metadata (PAM).
    """
    root = ElementTree.Element("PAMDataset")
    band = ElementTree.SubElement(root, "PAMRasterBand", band="1")
    ElementTree.SubElement(band, "Description").text = layer.description
    by_value = {item.value: item for item in layer.classes}
    names = ElementTree.SubElement(band, "CategoryNames")
    for value in range(max(by_value) + 1):
        item = by_value.get(value)
        ElementTree.SubElement(names, "Category").text = (item.title or item.name) if item else ""
    table = ElementTree.SubElement(band, "GDALRasterAttributeTable", tableType="thematic")
    # (name, GDALRATFieldType, GDALRATFieldUsage)
    columns = (
        ("Value", 0, 5),
        ("Class", 2, 2),
        ("Name", 2, 0),
        ("Red", 0, 6),
        ("Green", 0, 7),
        ("Blue", 0, 8),
        ("Alpha", 0, 9),
    )
    for index, (name, kind, usage) in enumerate(columns):
        column = ElementTree.SubElement(table, "FieldDefn", index=str(index))
        ElementTree.SubElement(column, "Name").text = name
        ElementTree.SubElement(column, "Type").text = str(kind)
        ElementTree.SubElement(column, "Usage").text = str(usage)
    for index, item in enumerate(layer.classes):
        row = ElementTree.SubElement(table, "Row", index=str(index))
        for cell in (item.value, item.title or item.name, item.name, *item.rgb, 255):
            ElementTree.SubElement(row, "F").text = str(cell)
    # Without an XML declaration, behind which GDAL does not recognise the file; UTF-8 is the default.
    path.write_text(ElementTree.tostring(root, encoding="unicode"), encoding="utf-8")

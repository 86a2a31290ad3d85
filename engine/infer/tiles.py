"""Writes a raster of any size as tiles under one virtual raster (VRT), which opens like a single file."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any
from xml.etree import ElementTree  # nosec B405

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from ..data.grid import Grid
from .staging import write_error
from .writer import Layer, RasterWriter

TILES = ".tiles"  # suffix of the folder of tiles, after the name of the virtual raster
_TYPES = {"uint8": "Byte", "uint16": "UInt16", "uint32": "UInt32", "float32": "Float32"}


class TiledWriter:
    """Writes rows from top to bottom into tiles; a context manager with the interface of `RasterWriter`.

    Tiles without a known pixel are left out: the virtual raster has no data there.
    """

    def __init__(self, path: Path, grid: Grid, layer: Layer, size: int, cog: bool = False) -> None:
        """Makes the folder of the tiles.

        Args:
            path: Virtual raster to write, .vrt.
            grid: Grid of the whole raster.
            layer: What it holds.
            size: Side of a tile, pixels.
            cog: Whether the tiles become Cloud Optimized GeoTIFFs.

        Raises:
            OutputNotWritable: The folder cannot be made.
            DiskFull: The disk has no room.
        """
        self._path, self._grid, self._layer, self._size, self._cog = path, grid, layer, size, cog
        self._folder = Path(f"{path}{TILES}")
        self._top = 0
        self._open: list[tuple[Window, Path, RasterWriter]] = []
        self._written: list[tuple[Window, Path]] = []
        try:
            self._folder.mkdir()
        except OSError as error:
            raise write_error(path, error) from error

    def __enter__(self) -> TiledWriter:
        """Does nothing: tiles are created as rows come."""
        return self

    def write(self, rows: NDArray[Any]) -> None:
        """Appends rows [n, width], of the layer's type.

        Raises:
            OutputNotWritable: A tile cannot be written.
            DiskFull: The disk has no room.
        """
        start = 0
        while start < len(rows):
            if not self._open:
                self._begin()
            count = min(len(rows) - start, self._size - self._top % self._size)
            for window, _, writer in self._open:
                left = int(window.col_off)
                part = rows[start : start + count, left : left + int(window.width)]
                writer.write(np.ascontiguousarray(part))
            start += count
            self._top += count
            if self._top % self._size == 0 or self._top == self._grid.height:
                self._finish()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Writes the virtual raster; after an error it only closes the tiles, which the caller removes."""
        if kind is not None:
            for _, _, writer in self._open:
                writer.__exit__(kind, error, traceback)
            return
        try:
            text = ElementTree.tostring(self._virtual(), encoding="unicode")
            self._path.write_text(text, encoding="utf-8")
        except OSError as failed:
            raise write_error(self._path, failed) from failed

    def _begin(self) -> None:
        size, height = self._size, min(self._size, self._grid.height - self._top)
        for left in range(0, self._grid.width, size):
            window = Window(left, self._top, min(size, self._grid.width - left), height)
            grid = Grid(
                self._grid.crs, self._grid.window_transform(window), int(window.width), height
            )
            path = self._folder / f"row{self._top // size}_column{left // size}.tif"
            writer = RasterWriter(path, grid, self._layer, self._cog)
            self._open.append((window, path, writer))

    def _finish(self) -> None:
        for window, path, writer in self._open:
            writer.__exit__(None, None, None)
            if writer.known:
                self._written.append((window, path))
            else:
                path.unlink()
                Path(f"{path}.aux.xml").unlink(missing_ok=True)
        self._open = []

    def _virtual(self) -> ElementTree.Element:
        grid, layer = self._grid, self._layer
        size = {"rasterXSize": str(grid.width), "rasterYSize": str(grid.height)}
        root = ElementTree.Element("VRTDataset", size)
        ElementTree.SubElement(root, "SRS").text = grid.crs.to_wkt()
        place = ", ".join(repr(float(value)) for value in grid.transform.to_gdal())
        ElementTree.SubElement(root, "GeoTransform").text = place
        facts = ElementTree.SubElement(root, "Metadata")
        for key, value in layer.tags.items():
            ElementTree.SubElement(facts, "MDI", key=key).text = value
        kind = {"dataType": _TYPES[layer.dtype], "band": "1"}
        band = ElementTree.SubElement(root, "VRTRasterBand", kind)
        ElementTree.SubElement(band, "Description").text = layer.description
        ElementTree.SubElement(band, "NoDataValue").text = repr(float(layer.nodata))
        if layer.classes:
            self._colour(band)
        for window, path in self._written:
            source = ElementTree.SubElement(band, "SimpleSource")
            name = ElementTree.SubElement(source, "SourceFilename", relativeToVRT="1")
            name.text = f"{self._folder.name}/{path.name}"
            ElementTree.SubElement(source, "SourceBand").text = "1"
            extent = {"xSize": str(int(window.width)), "ySize": str(int(window.height))}
            ElementTree.SubElement(source, "SrcRect", {"xOff": "0", "yOff": "0", **extent})
            offset = {"xOff": str(int(window.col_off)), "yOff": str(int(window.row_off))}
            ElementTree.SubElement(source, "DstRect", {**offset, **extent})
        return root

    def _colour(self, band: ElementTree.Element) -> None:
        by_value = {item.value: item for item in self._layer.classes}
        last = max(by_value)
        if self._layer.dtype in ("uint8", "uint16"):
            ElementTree.SubElement(band, "ColorInterp").text = "Palette"
            table = ElementTree.SubElement(band, "ColorTable")
            for value in range(last + 1):
                rgb = (*by_value[value].rgb, 255) if value in by_value else (0, 0, 0, 0)
                entry = {f"c{index}": str(part) for index, part in enumerate(rgb, 1)}
                ElementTree.SubElement(table, "Entry", entry)
        names = ElementTree.SubElement(band, "CategoryNames")
        for value in range(last + 1):
            item = by_value.get(value)
            text = (item.title or item.name) if item else ""
            ElementTree.SubElement(names, "Category").text = text


def raster_writer(
    path: Path, grid: Grid, layer: Layer, cog: bool, tiles: int
) -> RasterWriter | TiledWriter:
    """A writer of one file, or of tiles of `tiles` pixels under a virtual raster."""
    return (
        TiledWriter(path, grid, layer, tiles, cog)
        if tiles
        else RasterWriter(path, grid, layer, cog)
    )

"""Writes the virtual raster (VRT) of a product: its band files on one grid, with their scales and its mask."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree  # nosec B405

from ..data.grid import Grid
from .content import Product, ProductBand

_TYPES = {
    "uint8": "Byte",
    "int8": "Int8",
    "uint16": "UInt16",
    "int16": "Int16",
    "uint32": "UInt32",
    "int32": "Int32",
    "float32": "Float32",
    "float64": "Float64",
}
_COLOURS = ("Red", "Green", "Blue")


@dataclass(frozen=True)
class Source:
    """An opened band file.

    Attributes:
        band: Its band.
        path: Its name for GDAL.
        grid: Its grid.
        dtype: numpy type of its values.
    """

    band: ProductBand
    path: str
    grid: Grid
    dtype: str


@dataclass(frozen=True)
class Mask:
    """The mask beside a virtual raster.

    Attributes:
        name: Name of its file.
        shape: (rows, columns).
    """

    name: str
    shape: tuple[int, int]


def virtual_raster(
    product: Product, sources: Sequence[Source], grid: Grid, mask: Mask | None, folder: Path
) -> str:
    """The text of a virtual raster.

    Args:
        product: The product.
        sources: Its band files.
        grid: Grid of the virtual raster.
        mask: Its mask, in the same folder; None if there is none.
        folder: Where it will be, for relative paths.
    """
    size = {"rasterXSize": str(grid.width), "rasterYSize": str(grid.height)}
    root = ElementTree.Element("VRTDataset", size)
    _place(root, grid)
    tags = {**product.tags, "ACQUISITION_DATE": product.date}
    facts = ElementTree.SubElement(root, "Metadata")
    for key, value in tags.items():
        ElementTree.SubElement(facts, "MDI", key=key).text = value
    colours = dict(zip(product.natural, _COLOURS))
    for number, source in enumerate(sources):
        band = _band(root, product, source, number + 1)
        if number in colours:
            ElementTree.SubElement(band, "ColorInterp").text = colours[number]
        _source(band, source, grid, folder)
    if mask is not None:
        around = ElementTree.SubElement(root, "MaskBand")
        band = ElementTree.SubElement(around, "VRTRasterBand", dataType="Byte")
        simple = ElementTree.SubElement(band, "SimpleSource")
        _file(simple, mask.name, relative=True)
        _rectangles(simple, mask.shape, grid.shape)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode")


def _place(root: ElementTree.Element, grid: Grid) -> None:
    mapping = {"dataAxisToSRSAxisMapping": "1,2"}
    ElementTree.SubElement(root, "SRS", mapping).text = grid.crs.to_wkt()
    numbers = ", ".join(repr(float(value)) for value in grid.transform.to_gdal())
    ElementTree.SubElement(root, "GeoTransform").text = numbers


def _band(
    root: ElementTree.Element, product: Product, source: Source, number: int
) -> ElementTree.Element:
    """A band without its source."""
    kind = {"dataType": _TYPES[source.dtype], "band": str(number)}
    band = ElementTree.SubElement(root, "VRTRasterBand", kind)
    ElementTree.SubElement(band, "Description").text = source.band.name
    facts = ElementTree.SubElement(band, "Metadata", domain="IMAGERY")
    wavelength = ElementTree.SubElement(facts, "MDI", key="CENTRAL_WAVELENGTH_UM")
    wavelength.text = f"{source.band.wavelength:g}"
    ElementTree.SubElement(band, "NoDataValue").text = f"{product.nodata:g}"
    ElementTree.SubElement(band, "Offset").text = repr(source.band.offset)
    ElementTree.SubElement(band, "Scale").text = repr(source.band.scale)
    return band


def _source(band: ElementTree.Element, source: Source, grid: Grid, folder: Path) -> None:
    """The source of a band.

    Coarser pixels are repeated, as in the imagery that the models learned from; that mixes nothing into the pixels
    beside no data, and takes about a sixth of the CPU time of an interpolation. Finer ones are averaged.
    """
    finer = source.grid.width > grid.width
    method = {"resampling": "average"} if finer else {}
    simple = ElementTree.SubElement(band, "SimpleSource", method)
    _file(simple, *_path(source.path, folder))
    _rectangles(simple, source.grid.shape, grid.shape)


def _file(source: ElementTree.Element, text: str, relative: bool) -> None:
    told = {"relativeToVRT": "1" if relative else "0"}
    ElementTree.SubElement(source, "SourceFilename", told).text = text
    ElementTree.SubElement(source, "SourceBand").text = "1"


def _rectangles(
    source: ElementTree.Element, given: tuple[int, int], wanted: tuple[int, int]
) -> None:
    """All of the file's pixels fill all of the raster's."""
    for name, (rows, columns) in (("SrcRect", given), ("DstRect", wanted)):
        extent: Mapping[str, str] = {"xSize": str(columns), "ySize": str(rows)}
        ElementTree.SubElement(source, name, {"xOff": "0", "yOff": "0", **extent})


def _path(path: str, folder: Path) -> tuple[str, bool]:
    """A file's path as the virtual raster names it: relative if it is in the same folder or below."""
    if path.startswith("/vsi"):
        return path, False
    try:
        inside = os.path.relpath(path, folder)
    except ValueError:  # another drive of Windows
        return path, False
    if inside.startswith(os.pardir):
        return path, False
    return inside.replace("\\", "/"), True

"""Reads names and colours of classes from a class raster: category names, attribute table, colour table."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree  # nosec B405

from .label_classes import Look

_NAME, _VALUE, _RED, _GREEN, _BLUE = "2", ("0", "5"), "6", "7", "8"  # GDALRATFieldUsage
_LARGEST = 16 * 2**20  # bytes; a larger sidecar file is not about classes


def raster_looks(dataset: Any, path: str) -> dict[str, Look]:
    """Titles and colours of the classes in a raster's first band, by value as text.

    Args:
        dataset: Open rasterio dataset.
        path: Its file; the sidecar file `.aux.xml` is read too, as rasterio gives neither category
            names nor attribute tables.
    """
    names: dict[str, str] = {}
    colours = _colour_table(dataset)
    band = _sidecar_band(Path(f"{path}.aux.xml"))
    if band is not None:
        for place, item in enumerate(band.findall("CategoryNames/Category")):
            names[str(place)] = (item.text or "").strip()
        for value, name, colour in _attribute_table(band):
            names[value] = names.get(value) or name
            if colour:
                colours[value] = colour
    values = {value for value, name in names.items() if name} | set(colours)
    return {value: Look(names.get(value, ""), colours.get(value, "")) for value in values}


def _colour_table(dataset: Any) -> dict[str, str]:
    try:
        table = dataset.colormap(1)
    except ValueError:  # raised by rasterio if there is no colour table
        return {}
    # GDAL pads a colour table with black up to the largest value of its type.
    return {
        str(value): "#{:02x}{:02x}{:02x}".format(*colour[:3])
        for value, colour in table.items()
        if any(colour[:3])
    }


def _sidecar_band(sidecar: Path) -> ElementTree.Element | None:
    """The first band's element in GDAL's persistent auxiliary metadata; None if there is none."""
    if not sidecar.is_file() or sidecar.stat().st_size > _LARGEST:
        return None
    text = sidecar.read_text(encoding="utf-8", errors="replace")
    if "<!" in text.replace("<!--", ""):  # GDAL writes no DTD, and expanding entities is a risk
        return None
    try:
        return ElementTree.fromstring(text).find("PAMRasterBand[@band='1']")  # nosec B314
    except ElementTree.ParseError:
        return None


def _attribute_table(band: ElementTree.Element) -> list[tuple[str, str, str]]:
    """(value, name, colour) of each row; empty if the table has no column of values."""
    table = band.find("GDALRasterAttributeTable")
    if table is None:
        return []
    usages: dict[str, int] = {}
    for place, column in enumerate(table.findall("FieldDefn")):
        usages.setdefault((column.findtext("Usage") or "").strip(), place)
    value_at = next((usages[usage] for usage in reversed(_VALUE) if usage in usages), None)
    if value_at is None:
        return []
    rows = []
    for row in table.findall("Row"):
        cells = [(cell.text or "").strip() for cell in row.findall("F")]
        try:
            value = str(int(float(cells[value_at])))
            name = cells[usages[_NAME]] if _NAME in usages else ""
            rgb = [int(cells[usages[usage]]) for usage in (_RED, _GREEN, _BLUE) if usage in usages]
        except (ValueError, IndexError):
            continue
        fine = len(rgb) == 3 and all(0 <= part <= 255 for part in rgb)
        rows.append((value, name, "#{:02x}{:02x}{:02x}".format(*rgb) if fine else ""))
    return rows

"""Finds the acquisition date of a raster layer in its properties, metadata or name.

A date is a tuple (year, month, day), of which only the first parts may be known: (2019,) for the mosaic of a year.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from pathlib import PurePath

from qgis.core import QgsDateTimeRange, QgsRasterLayer

# Metadata keys for the acquisition date, in lower case and without separators.
_TAKEN = (
    "acquisitiondate",
    "acquisitiondatetime",
    "acquisitiontime",
    "dateacquired",  # Landsat
    "sensingtime",  # Sentinel-2
    "datatake1datatakesensingstart",
    "productstarttime",
    "rangebeginningdate",  # MODIS
    "timecoveragestart",
)
# Keys for the time when the file was written, used last as that may be years later.
_WRITTEN = ("tifftagdatetime",)

_YEAR = r"(?P<year>19[5-9]\d|20\d\d)"
_MONTH = r"(?P<month>0[1-9]|1[0-2])"
_DAY = r"(?P<day>0[1-9]|[12]\d|3[01])"
# The first pattern that yields a date is used, so the more precise and less ambiguous ones come first.
_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"_V{_YEAR}{_MONTH}{_DAY}T",  # Sentinel-2 before 2017, whose names begin with the processing date
        rf"L[A-Z]\d{{7}}{_YEAR}(?P<nth>[0-3]\d\d)[A-Z]{{3}}",  # Landsat scenes; the nth day of the year
        rf"\.A{_YEAR}(?P<nth>[0-3]\d\d)\.",  # MODIS
        rf"(?<!\d){_YEAR}(?P<mark>[-_./: ]?){_MONTH}(?P=mark){_DAY}(?!\d)",
        rf"(?<!\d){_DAY}\.{_MONTH}\.{_YEAR}(?!\d)",
        rf"(?<!\d){_YEAR}[-_.]{_MONTH}(?!\d)",
        rf"(?<!\d){_YEAR}(?!\d)",
    )
)


def acquisition_date(layer: QgsRasterLayer) -> tuple[int, ...]:
    """The acquisition date of a layer; empty if unknown.

    Sources, in order of priority: the layer's temporal properties and its metadata, the file's metadata, the names of
    layer, file and folder, the time at which the file was written.
    """
    metadata = _file_metadata(layer)
    path = PurePath(layer.source().partition("|")[0].replace("\\", "/"))
    return (
        _from_layer(layer)
        or date_in_metadata(metadata, _TAKEN)
        or date_in_texts((layer.name(), path.name, path.parent.name))
        or date_in_metadata(metadata, _WRITTEN)
    )


def date_in_texts(texts: Iterable[str]) -> tuple[int, ...]:
    """The most precise date in several texts, the first of those that are equally precise; empty if there is none."""
    return max((date_in_text(text) for text in texts), key=len, default=())


def date_in_text(text: str) -> tuple[int, ...]:
    """The date in a text, such as the name of a product; empty if there is none."""
    for pattern in _PATTERNS:
        for match in pattern.finditer(text):
            found = _checked({key: value for key, value in match.groupdict().items() if value})
            if found:
                return found
    return ()


def date_in_metadata(
    metadata: Mapping[str, str], keys: tuple[str, ...] = _TAKEN
) -> tuple[int, ...]:
    """The date under one of several keys, whatever their case and separators; empty if there is none."""
    plain = {re.sub(r"[^a-z0-9]", "", key.lower()): value for key, value in metadata.items()}
    return date_in_texts(plain[key] for key in keys if key in plain)


def in_order(first: tuple[int, ...], second: tuple[int, ...]) -> bool | None:
    """Whether the first date is earlier; None if the dates agree as far as both are known."""
    both = min(len(first), len(second))
    if first[:both] == second[:both]:
        return None
    return first < second


def _checked(parts: Mapping[str, str]) -> tuple[int, ...]:
    """The date from the groups of a match; empty if it does not exist or is in the future."""
    year = int(parts["year"])
    if year > date.today().year:
        return ()
    try:
        if "nth" in parts:
            day = date(year, 1, 1) + timedelta(int(parts["nth"]) - 1)
            return (day.year, day.month, day.day) if day.year == year else ()
        date(year, int(parts.get("month", 1)), int(parts.get("day", 1)))
    except ValueError:
        return ()
    return tuple(int(parts[name]) for name in ("year", "month", "day") if name in parts)


def _from_layer(layer: QgsRasterLayer) -> tuple[int, ...]:
    """The date in the layer's own properties, which the user or a catalogue has set."""
    ranges = list(layer.metadata().extent().temporalExtents())
    properties = layer.temporalProperties()
    if properties is not None and properties.isActive():
        ranges.insert(0, properties.fixedTemporalRange())
    return next((found for found in map(_begin, ranges) if found), ())


def _begin(period: QgsDateTimeRange) -> tuple[int, ...]:
    day = period.begin().date()
    return (day.year(), day.month(), day.day()) if day.isValid() else ()


def _file_metadata(layer: QgsRasterLayer) -> dict[str, str]:
    """The metadata of a local file and of its first band; not of remote files, where it could take long."""
    path = layer.source().partition("|")[0]
    if layer.providerType() != "gdal" or not os.path.isfile(path):
        return {}
    from osgeo import gdal

    try:
        dataset = gdal.OpenEx(path, gdal.OF_RASTER)
    except RuntimeError:  # raised if other Python code has switched GDAL's exceptions on
        return {}
    if dataset is None or not dataset.RasterCount:
        return {}
    return {
        **dataset.GetRasterBand(1).GetMetadata(),
        **dataset.GetMetadata("IMAGERY"),
        **dataset.GetMetadata(),
    }

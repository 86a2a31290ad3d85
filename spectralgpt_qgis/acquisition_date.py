"""When the image of a raster layer was taken, as far as the layer, its file or its name tell.

A date is a tuple (year, month, day) that may end early: (2019,) for the mosaic of a year.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from pathlib import PurePath

from qgis.core import QgsDateTimeRange, QgsRasterLayer

# Keys of metadata that name the day of the image, in small letters and nothing between the words.
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
# When the file was written, which may be years later: asked last.
_WRITTEN = ("tifftagdatetime",)

_YEAR = r"(?P<year>19[5-9]\d|20\d\d)"
_MONTH = r"(?P<month>0[1-9]|1[0-2])"
_DAY = r"(?P<day>0[1-9]|[12]\d|3[01])"
# The first that gives a date counts, so what is more precise and less ambiguous comes first.
_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"_V{_YEAR}{_MONTH}{_DAY}T",  # Sentinel-2 before 2017, whose first date is that of processing
        rf"L[A-Z]\d{{7}}{_YEAR}(?P<nth>[0-3]\d\d)[A-Z]{{3}}",  # Landsat scenes; the nth day of the year
        rf"\.A{_YEAR}(?P<nth>[0-3]\d\d)\.",  # MODIS
        rf"(?<!\d){_YEAR}(?P<mark>[-_./: ]?){_MONTH}(?P=mark){_DAY}(?!\d)",
        rf"(?<!\d){_DAY}\.{_MONTH}\.{_YEAR}(?!\d)",
        rf"(?<!\d){_YEAR}[-_.]{_MONTH}(?!\d)",
        rf"(?<!\d){_YEAR}(?!\d)",
    )
)


def acquisition_date(layer: QgsRasterLayer) -> tuple[int, ...]:
    """The date of a layer's image; empty when nothing tells it.

    Believed in this order: the layer's temporal properties and its metadata, the file's metadata, the names of layer,
    file and folder, the time at which the file was written.
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
    """The most precise date in some texts, the first of equals; empty when there is none."""
    return max((date_in_text(text) for text in texts), key=len, default=())


def date_in_text(text: str) -> tuple[int, ...]:
    """The date in a name or a text such as those of products; empty when there is none."""
    for pattern in _PATTERNS:
        for match in pattern.finditer(text):
            found = _checked({key: value for key, value in match.groupdict().items() if value})
            if found:
                return found
    return ()


def date_in_metadata(
    metadata: Mapping[str, str], keys: tuple[str, ...] = _TAKEN
) -> tuple[int, ...]:
    """The date under some keys, however their words are joined; empty when there is none."""
    plain = {re.sub(r"[^a-z0-9]", "", key.lower()): value for key, value in metadata.items()}
    return date_in_texts(plain[key] for key in keys if key in plain)


def in_order(first: tuple[int, ...], second: tuple[int, ...]) -> bool | None:
    """Whether the first date is the earlier one; None when what both of them tell is the same."""
    both = min(len(first), len(second))
    if first[:both] == second[:both]:
        return None
    return first < second


def _checked(parts: Mapping[str, str]) -> tuple[int, ...]:
    """The date of a match's parts; empty when the calendar has none, or it lies ahead."""
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
    """What the user, or a catalogue, told QGIS of the layer."""
    ranges = list(layer.metadata().extent().temporalExtents())
    properties = layer.temporalProperties()
    if properties is not None and properties.isActive():
        ranges.insert(0, properties.fixedTemporalRange())
    return next((found for found in map(_begin, ranges) if found), ())


def _begin(period: QgsDateTimeRange) -> tuple[int, ...]:
    day = period.begin().date()
    return (day.year(), day.month(), day.day()) if day.isValid() else ()


def _file_metadata(layer: QgsRasterLayer) -> dict[str, str]:
    """The metadata of a local file and of its first band; a remote one is not asked, it could take long."""
    path = layer.source().partition("|")[0]
    if layer.providerType() != "gdal" or not os.path.isfile(path):
        return {}
    from osgeo import gdal

    try:
        dataset = gdal.OpenEx(path, gdal.OF_RASTER)
    except RuntimeError:  # where the user's Python asked GDAL for exceptions
        return {}
    if dataset is None or not dataset.RasterCount:
        return {}
    return {
        **dataset.GetRasterBand(1).GetMetadata(),
        **dataset.GetMetadata("IMAGERY"),
        **dataset.GetMetadata(),
    }
